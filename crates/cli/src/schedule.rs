//! How the learning rate of a first-order trainer changes, as it is written on the command line.

use osculant_optim::OptimError;
use osculant_optim::train::Schedule;

/// How a rate changes over the epochs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    Constant,
    Step { every: usize, factor: f64 },
    Cosine { over: usize, floor: f64 },
    Inverse { decay: f64 },
}

/// The forms that [`curve`] reads.
const FORMS: &str = "constant, step:EPOCHS,FACTOR as in step:10,0.5, cosine:EPOCHS or \
                     cosine:EPOCHS,FLOOR as in cosine:30,1e-5, or inverse:DECAY as in inverse:0.1";

/// Reads a curve: its name, and after a colon its numbers.
pub fn curve(text: &str) -> Result<Curve, String> {
    let (name, numbers) = text.split_once(':').unwrap_or((text, ""));
    let numbers: Vec<&str> = match numbers {
        "" => Vec::new(),
        some => some.split(',').map(str::trim).collect(),
    };
    let count = |text: &str| text.parse().map_err(|_| no_number(text, "whole number"));
    let real = |text: &str| text.parse().map_err(|_| no_number(text, "number"));
    Ok(match (name, &numbers[..]) {
        ("constant", []) => Curve::Constant,
        ("step", [every, factor]) => Curve::Step {
            every: count(every)?,
            factor: real(factor)?,
        },
        ("cosine", [over]) => Curve::Cosine {
            over: count(over)?,
            floor: 0.0,
        },
        ("cosine", [over, floor]) => Curve::Cosine {
            over: count(over)?,
            floor: real(floor)?,
        },
        ("inverse", [decay]) => Curve::Inverse {
            decay: real(decay)?,
        },
        _ => return Err(format!("it must be one of {FORMS}")),
    })
}

fn no_number(text: &str, kind: &str) -> String {
    format!("`{text}` is no {kind}; the forms are {FORMS}")
}

impl Curve {
    /// The schedule that begins at this rate, after a warm-up of so many epochs. The ranges of its
    /// numbers are the schedule's to say.
    pub fn from(self, rate: f64, warm_up: usize) -> Result<Schedule, OptimError> {
        let constant = Schedule::constant(rate)?;
        let schedule = match self {
            Curve::Constant => Ok(constant),
            Curve::Step { every, factor } => constant.stepwise(every, factor),
            Curve::Cosine { over, floor } => constant.cosine(over, floor),
            Curve::Inverse { decay } => constant.inverse(decay),
        };
        Ok(schedule?.warm_up(warm_up))
    }

    /// What stands after the rate in a description of the trainer.
    pub fn describe(self, warm_up: usize) -> String {
        let mut words = match self {
            Curve::Constant => String::new(),
            Curve::Step { every, factor } => format!(" times {factor} every {every} epochs"),
            Curve::Cosine { over, floor } => format!(" on a cosine to {floor} over {over} epochs"),
            Curve::Inverse { decay } => format!(" over 1 + {decay} t after t epochs"),
        };
        if warm_up > 0 {
            words += &format!(", after {warm_up} epochs of warm-up");
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_read() {
        let step = Curve::Step {
            every: 10,
            factor: 0.5,
        };
        let cosine = |floor| Curve::Cosine { over: 30, floor };
        assert_eq!(curve("constant"), Ok(Curve::Constant));
        assert_eq!(curve("step:10,0.5"), Ok(step));
        assert_eq!(curve("cosine:30"), Ok(cosine(0.0)));
        assert_eq!(curve("cosine:30, 1e-5"), Ok(cosine(1e-5)));
        assert_eq!(curve("inverse:0.1"), Ok(Curve::Inverse { decay: 0.1 }));
        for bad in [
            "",
            "step",
            "step:10",
            "step:x,0.5",
            "step:-1,0.5",
            "cosine:1.5",
            "cosine:3,x",
            "constant:1",
            "linear:3",
        ] {
            assert!(curve(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_are_the_schedules_to_say() {
        for bad in [
            "step:0,0.5",
            "step:3,2",
            "step:3,nan",
            "cosine:0",
            "cosine:3,1",
            "inverse:-1",
            "inverse:inf",
        ] {
            assert!(curve(bad).unwrap().from(0.1, 0).is_err(), "{bad}");
        }
        let warm = curve("cosine:4").unwrap().from(0.1, 1).unwrap();
        assert_eq!((warm.rate(0, 0), warm.rate(1, 0)), (0.05, 0.1));
    }
}
