//! Numbers: reading those of options, writing those of results.

use osculant_optim::train::Size;

/// A regularization constant C.
pub fn constant(text: &str) -> Result<f64, String> {
    let c = real(text)?;
    if c > 0.0 {
        return Ok(c);
    }
    Err("C must be above 0; larger is weaker, and `inf` switches the term 1/(2C) ‖θ‖² off".into())
}

/// A number that is finite and not negative.
pub fn not_negative(text: &str) -> Result<f64, String> {
    let x = real(text)?;
    if x >= 0.0 && x.is_finite() {
        return Ok(x);
    }
    Err("it must be finite and not negative".into())
}

/// A part of a whole: a number from 0 to 1.
pub fn part(text: &str) -> Result<f64, String> {
    let x = real(text)?;
    if (0.0..=1.0).contains(&x) {
        return Ok(x);
    }
    Err("it must be at least 0 and at most 1".into())
}

/// A count of at least 1.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(count) => Ok(count),
        Err(_) => Err("it must be a whole number of at least 1".into()),
    }
}

/// `5%` and `0.05` are shares, `400` is a count.
pub fn size(text: &str) -> Result<Size, String> {
    let share = |share: f64, shown: &str| {
        if share > 0.0 && share <= 1.0 {
            return Ok(Size::Fraction(share));
        }
        Err(format!("a share must lie above 0 and go up to {shown}"))
    };
    if let Some(percent) = text.strip_suffix('%') {
        return share(real(percent.trim_end())? / 100.0, "100%");
    }
    if let Ok(count) = text.parse::<usize>() {
        positive(text)?;
        return Ok(Size::Count(count));
    }
    share(real(text)?, "1.0, and a count must be a whole number")
}

/// `20%` and `0.2`, between 0 and 1.
pub fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => real(percent.trim_end())? / 100.0,
        None => real(text)?,
    };
    if share > 0.0 && share < 1.0 {
        return Ok(share);
    }
    Err("a share must lie between 0 and 1, as 0.2 and 20% do".into())
}

/// A number, or a quotient of two such as `1/255`: finite and not 0.
pub fn quotient(text: &str) -> Result<f32, String> {
    let x = match text.split_once('/') {
        Some((above, below)) => real(above.trim())? / real(below.trim())?,
        None => real(text)?,
    } as f32;
    if x.is_finite() && x != 0.0 {
        return Ok(x);
    }
    Err("it must be finite and not 0".into())
}

fn real(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_nan() => Err("NaN is no value; give a number".into()),
        Ok(x) => Ok(x),
        Err(_) => Err("that is not a number".into()),
    }
}

/// A number with so many significant digits, and an exponent only where zeros would be many.
pub fn significant(x: f64, digits: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let after = digits.saturating_sub(1);
    let scientific = format!("{x:.after$e}");
    // The exponent after rounding: 9.99 may have become 10.0.
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse().ok());
    match exponent {
        Some(e @ -3..=5) => {
            let after = (after as i64 - e as i64).max(0) as usize;
            format!("{x:.after$}")
        }
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_counts_are_told_apart() {
        assert_eq!(size("5%"), Ok(Size::Fraction(0.05)));
        assert_eq!(size("0.05"), Ok(Size::Fraction(0.05)));
        assert_eq!(size("1.0"), Ok(Size::Fraction(1.0)));
        assert_eq!(size("100%"), Ok(Size::Fraction(1.0)));
        assert_eq!(size("400"), Ok(Size::Count(400)));
        assert_eq!(size("1"), Ok(Size::Count(1)));
        for bad in [
            "0", "0%", "101%", "1.5", "-1", "nan", "nan%", "%", "", "many", "inf",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_lie_between_0_and_1() {
        assert_eq!(share("20%"), Ok(0.2));
        assert_eq!(share("0.5"), Ok(0.5));
        for bad in ["0", "1", "100%", "-1", "nan", "%", "", "3"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quotients_are_numbers() {
        assert_eq!(quotient("1/255"), Ok(1.0 / 255.0));
        assert_eq!(quotient("-2.5"), Ok(-2.5));
        for bad in ["0", "1/0", "0/3", "1/", "/", "", "nan", "1e60"] {
            assert!(quotient(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn constants_are_above_0() {
        assert_eq!(constant("80"), Ok(80.0));
        assert_eq!(constant("inf"), Ok(f64::INFINITY));
        for bad in ["0", "-0", "-1", "nan", "-inf", "x", ""] {
            assert!(constant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let shown = [
            (1.0, "1.000000000"),
            (0.123_456_789_012_34, "0.1234567890"),
            (0.999_999_999_99, "1.000000000"),
            (123.456, "123.4560000"),
            (1.5e-7, "1.500000000e-7"),
            (-2.5e12, "-2.500000000e12"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
        ];
        for (x, text) in shown {
            assert_eq!(significant(x, 10), text);
        }
    }
}
