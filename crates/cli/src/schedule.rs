//! How the learning rate of a first-order trainer changes, as it is written on the command line.

use osculant_optim::train::Schedule;
use std::str::FromStr;

/// The forms that are read.
const FORMS: &str = "constant, step:EPOCHS,FACTOR as in step:10,0.5, cosine:EPOCHS or \
                     cosine:EPOCHS,FLOOR as in cosine:30,1e-5, or inverse:DECAY as in inverse:0.1";

/// Reads a schedule, the name of a curve and after a colon its numbers, that begins at this rate.
/// The ranges of the numbers are [`Schedule`]'s to say.
pub fn parse(text: &str, rate: f64) -> Result<Schedule, String> {
    let (name, numbers) = text.split_once(':').unwrap_or((text, ""));
    let numbers: Vec<&str> = match numbers {
        "" => Vec::new(),
        some => some.split(',').map(str::trim).collect(),
    };
    let constant = Schedule::constant(rate).map_err(|e| e.to_string())?;
    let schedule = match (name, &numbers[..]) {
        ("constant", []) => Ok(constant),
        ("step", [every, factor]) => constant.stepwise(number(every)?, number(factor)?),
        ("cosine", [over]) => constant.cosine(number(over)?, 0.0),
        ("cosine", [over, floor]) => constant.cosine(number(over)?, number(floor)?),
        ("inverse", [decay]) => constant.inverse(number(decay)?),
        _ => return Err(format!("--schedule {text}: it must be one of {FORMS}")),
    };
    schedule.map_err(|e| e.to_string())
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    let refuse = |_| format!("--schedule: `{text}` is no such number; the forms are {FORMS}");
    text.parse().map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read() {
        let constant = Schedule::constant(0.1).unwrap();
        for (text, expected) in [
            ("constant", Ok(constant)),
            ("step:10,0.5", constant.stepwise(10, 0.5)),
            ("cosine:30", constant.cosine(30, 0.0)),
            ("cosine:30, 1e-5", constant.cosine(30, 1e-5)),
            ("inverse:0.1", constant.inverse(0.1)),
        ] {
            assert_eq!(parse(text, 0.1).unwrap(), expected.unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for bad in [
            "",
            "step",
            "step:10",
            "step:x,0.5",
            "step:-1,0.5",
            "step:0,0.5",
            "step:3,2",
            "step:3,nan",
            "cosine:1.5",
            "cosine:3,x",
            "cosine:0",
            "cosine:3,1",
            "constant:1",
            "inverse:-1",
            "inverse:inf",
            "linear:3",
        ] {
            assert!(parse(bad, 0.1).is_err(), "{bad}");
        }
    }
}
