//! Axes: from numbers to places, and the ticks between.

/// How an axis runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Linear,
    /// Ticks at whole numbers only.
    Count,
    Logarithmic,
    /// Per cent, stretched towards 100 as if what is missing there ran over a logarithmic axis.
    Percent,
}

/// Per cent that stand for all there is above.
const ALMOST_ALL: f64 = 99.99;

/// An axis over a range that is not empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub kind: Kind,
    /// Both ends as the axis runs: logarithms, where it is logarithmic.
    low: f64,
    high: f64,
}

/// A tick: where, and what stands there.
pub type Tick = (f64, String);

impl Scale {
    /// The axis for these numbers, those left out that it cannot show. A little room is left
    /// at both ends, unless an end is 0.
    pub fn fit(kind: Kind, values: impl Iterator<Item = f64>) -> Scale {
        let values = values.filter(|x| x.is_finite() && (kind != Kind::Logarithmic || *x > 0.0));
        let (low, high) = values
            .map(|x| straighten(kind, x))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| {
                (l.min(x), h.max(x))
            });
        let (low, high) = match (low <= high, kind) {
            (false, _) => (0.0, 1.0),
            (true, Kind::Logarithmic) if low == high => (low - 0.5, high + 0.5),
            (true, Kind::Percent) if low == high => (low - 0.05, high + 0.05),
            (true, _) if low == high => (
                low - 0.5 * low.abs().max(2.0),
                high + 0.5 * low.abs().max(2.0),
            ),
            (true, _) => (low, high),
        };
        let least = if kind == Kind::Logarithmic {
            0.1
        } else {
            1e-9 * low.abs().max(1e-300)
        };
        let room = (0.04 * (high - low)).max(least);
        let away = |end: f64, room: f64| {
            let zero = end == 0.0 && kind != Kind::Logarithmic;
            if zero { end } else { end + room }
        };
        Scale {
            kind,
            low: away(low, -room),
            high: away(high, room),
        }
    }

    /// The axis between these numbers.
    pub fn between(kind: Kind, low: f64, high: f64) -> Scale {
        Scale {
            kind,
            low: straighten(kind, low),
            high: straighten(kind, high),
        }
    }

    /// From 0 to 1 where the number lies on the axis; none where it can't be shown.
    pub fn place(&self, x: f64) -> Option<f64> {
        let place = (straighten(self.kind, x) - self.low) / (self.high - self.low);
        place.is_finite().then_some(place)
    }

    /// At most so many ticks, but for two that are always there.
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        match self.kind {
            Kind::Logarithmic => self.decades(most),
            Kind::Percent => self.percents(most + 2),
            _ => self.steps(most),
        }
    }

    fn steps(&self, most: usize) -> Vec<Tick> {
        let rough = (self.high - self.low) / most.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let nice = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power);
        let mut step = nice.fold(f64::INFINITY, |best, step| {
            if step >= rough * 0.999 {
                best.min(step)
            } else {
                best
            }
        });
        if self.kind == Kind::Count {
            step = step.max(1.0).round();
        }
        // Steps of 2·10ⁿ in ranges around 10³⁰⁰, or of less than a rounding, make no ticks.
        let (first, last) = ((self.low / step).ceil(), (self.high / step).floor());
        if !(step.is_finite() && step > 0.0 && last - first <= 50.0) {
            return Vec::new();
        }
        let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let large = self.low.abs().max(self.high.abs());
        let text = |x: f64| {
            if large >= 1e6 || step < 1e-5 {
                return scientific(x);
            }
            format!("{x:.digits$}")
        };
        let at = (0..=(last - first) as usize).map(|k| (first + k as f64) * step);
        // `-0` is 0.
        at.map(|x| (x, text(x + 0.0))).collect()
    }

    fn percents(&self, most: usize) -> Vec<Tick> {
        let missing = [100, 80, 50, 20, 10, 5, 2].into_iter().map(f64::from);
        let missing = missing.chain([1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01]);
        let shown = |x: &f64| self.place(*x).is_some_and(|p| (0.0..=1.0).contains(&p));
        let mut ticks: Vec<f64> = missing.map(|m| 100.0 - m).filter(shown).collect();
        if ticks.len() < 2 {
            // So narrow a range that it is as good as linear.
            let back = |x: f64| 100.0 - 100.0 * 10f64.powf(-x);
            return Scale::between(Kind::Linear, back(self.low), back(self.high)).steps(most);
        }
        // Every other one, until there are few enough.
        while ticks.len() > most {
            let odd = ticks.len() % 2;
            ticks = ticks.into_iter().skip(1 - odd).step_by(2).collect();
        }
        let text = |x: f64| {
            (
                x,
                format!("{:.4}", x)
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .into(),
            )
        };
        ticks.into_iter().map(text).collect()
    }

    fn decades(&self, most: usize) -> Vec<Tick> {
        let (first, last) = (self.low.floor() as i32, self.high.ceil() as i32);
        let decades = (self.high - self.low).max(1e-9);
        let within = |x: &f64| x.log10() >= self.low && x.log10() <= self.high;
        let of = |factors: &[f64]| -> Vec<Tick> {
            (first..=last)
                .flat_map(|p| factors.iter().map(move |f| f * 10f64.powi(p)))
                .filter(within)
                .map(|x| (x, scientific(x)))
                .collect()
        };
        if decades >= 2.0 {
            let rough = decades / most.max(1) as f64;
            let strides = [1, 2, 3, 5, 10, 20, 50, 100];
            let stride = strides
                .into_iter()
                .find(|&s| f64::from(s) >= rough)
                .unwrap_or(200);
            return (first..=last)
                .filter(|p| p.rem_euclid(stride) == 0)
                .map(|p| 10f64.powi(p))
                .filter(within)
                .map(|x| (x, scientific(x)))
                .collect();
        }
        let fine = of(&[1.0, 2.0, 5.0]);
        if fine.len() >= 2 {
            return fine;
        }
        // Less than a factor of 2 or so: a linear axis in all but name.
        let linear = Scale::between(Kind::Linear, 10f64.powf(self.low), 10f64.powf(self.high));
        linear.steps(most.min(4))
    }
}

/// Where a number lies on an axis that has been made linear.
fn straighten(kind: Kind, x: f64) -> f64 {
    match kind {
        Kind::Logarithmic => x.log10(),
        Kind::Percent => -(1.0 - 0.01 * x.min(ALMOST_ALL)).log10(),
        Kind::Linear | Kind::Count => x,
    }
}

/// `10⁻³`, `2·10⁻³`, `0.02`, `500`: powers of ten from four digits on.
fn scientific(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let text = format!("{x:.2e}");
    let Some((factor, power)) = text.split_once('e') else {
        return text;
    };
    let factor = factor.trim_end_matches('0').trim_end_matches('.');
    let power: i32 = power.parse().unwrap_or(0);
    if (-2..=3).contains(&power) {
        return x.to_string().chars().take(7).collect();
    }
    let raised: String = power.to_string().chars().map(superscript).collect();
    match factor {
        "1" => format!("10{raised}"),
        "-1" => format!("−10{raised}"),
        factor => format!("{}·10{raised}", factor.replace('-', "−")),
    }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit
            .to_digit(10)
            .map_or(digit, |d| char::from_u32(0x2070 + d).unwrap_or(digit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(kind: Kind, values: &[f64], most: usize) -> Vec<String> {
        let scale = Scale::fit(kind, values.iter().copied());
        scale
            .ticks(most)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            ticks(Kind::Linear, &[0.0, 1.0], 6),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(ticks(Kind::Linear, &[-3.0, 12.0], 4), ["0", "5", "10"]);
        assert_eq!(ticks(Kind::Count, &[1.0, 3.0], 6), ["1", "2", "3"]);
        assert_eq!(
            ticks(Kind::Count, &[0.0, 100.0], 6),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(
            ticks(Kind::Logarithmic, &[1e-6, 1.0], 9),
            ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "0.01", "0.1", "1"]
        );
        assert_eq!(
            ticks(Kind::Logarithmic, &[0.2, 3.0], 5),
            ["0.2", "0.5", "1", "2"]
        );
        assert_eq!(
            ticks(Kind::Logarithmic, &[1e-30, 1e30], 6),
            ["10⁻²⁰", "1", "10²⁰"]
        );
        assert_eq!(
            ticks(Kind::Percent, &[10.0, 99.2], 6),
            ["0", "20", "50", "80", "90", "95", "98", "99"]
        );
        assert_eq!(
            ticks(Kind::Percent, &[97.0, 97.5], 3),
            ["97.0", "97.2", "97.4"]
        );
        assert_eq!(
            ticks(Kind::Linear, &[-2e7, 3e7], 5),
            ["−2·10⁷", "0", "2·10⁷"]
        );
    }

    #[test]
    fn any_numbers_make_an_axis() {
        let cases: [&[f64]; 8] = [
            &[],
            &[f64::NAN, f64::INFINITY],
            &[0.0],
            &[5.0],
            &[-1e-320, 1e-320],
            &[1e300, -1e300],
            &[1.0, 1.0 + 1e-15],
            &[-4.0],
        ];
        for values in cases {
            for kind in [Kind::Linear, Kind::Count, Kind::Logarithmic, Kind::Percent] {
                let scale = Scale::fit(kind, values.iter().copied());
                assert!(scale.ticks(5).len() <= 60, "{kind:?} {values:?}");
                for &x in values.iter().filter(|x| x.is_finite()) {
                    if let Some(place) = scale.place(x) {
                        assert!(
                            (-0.01..=1.01).contains(&place),
                            "{kind:?} {values:?} {place}"
                        );
                    }
                }
            }
        }
        assert_eq!(
            Scale::fit(Kind::Logarithmic, [1.0, 10.0].into_iter()).place(-1.0),
            None
        );
    }
}
