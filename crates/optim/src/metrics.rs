//! How good predictions are: what is reported beside a loss.

use crate::error::{OptimError, Result, expect_length};
use osculant_tape::Scalar;

/// The class with the largest output, the first of several; 0 where there is no output.
///
/// # Example
/// ```
/// use osculant_optim::metrics::predicted_class;
///
/// assert_eq!(predicted_class(&[0.1, 0.7, 0.2]), 1);
/// assert_eq!(predicted_class(&[2.0, 2.0]), 0);
/// ```
pub fn predicted_class<T: Scalar>(outputs: &[T]) -> u32 {
    let mut best = 0;
    for (class, z) in outputs.iter().enumerate() {
        if *z > outputs[best] {
            best = class;
        }
    }
    best as u32
}

/// The share of examples whose largest output is that of their class.
///
/// # Shapes
/// `outputs` has as many numbers for each of the `labels` as there are classes, example after
/// example: what `Network::forward` returns.
///
/// # Errors
/// No labels; outputs that are not a whole number per label, or none.
///
/// # Example
/// ```
/// use osculant_optim::metrics::accuracy;
///
/// let outputs = [0.1, 0.9, /**/ 0.8, 0.2, /**/ 0.3, 0.7];
/// assert_eq!(accuracy(&outputs, &[1, 0, 0])?, 2.0 / 3.0);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub fn accuracy<T: Scalar>(outputs: &[T], labels: &[u32]) -> Result<f64> {
    let classes = each(outputs.len(), labels.len(), "the number of labels")?;
    let predicted = outputs.chunks_exact(classes).map(predicted_class);
    let right = predicted.zip(labels).filter(|(p, y)| p == *y).count();
    Ok(right as f64 / labels.len() as f64)
}

/// The coefficient of determination R²: 1 is perfect, 0 is what the targets' mean alone would do.
///
/// Where an example has several targets, each of them has a mean of its own.
///
/// # Shapes
/// Both `[examples, targets]`, example after example.
///
/// # Formula
/// R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)², over all examples and targets; NaN where no target varies.
///
/// # Errors
/// No numbers, other lengths, or a length that `targets_per_example` does not divide.
///
/// # Example
/// ```
/// use osculant_optim::metrics::r2;
///
/// assert_eq!(r2(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 1)?, 1.0);
/// assert_eq!(r2(&[2.0, 2.0, 2.0], &[1.0, 2.0, 3.0], 1)?, 0.0);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub fn r2<T: Scalar>(predicted: &[T], targets: &[T], targets_per_example: usize) -> Result<f64> {
    expect_as_many(predicted, targets)?;
    let examples = each(
        targets.len(),
        targets_per_example,
        "the number of targets per example",
    )?;
    let (mut left, mut total) = (0.0, 0.0);
    for i in 0..targets_per_example {
        let column = |x: &[T], row: usize| x[row * targets_per_example + i].to_f64();
        let all = || (0..examples).map(|row| column(targets, row));
        let mean = all().sum::<f64>() / examples as f64;
        left += (0..examples)
            .map(|row| (column(targets, row) - column(predicted, row)).powi(2))
            .sum::<f64>();
        // A mean is rounded: of a target that does not vary nothing may be left.
        if all().any(|y| y != column(targets, 0)) {
            total += all().map(|y| (y - mean).powi(2)).sum::<f64>();
        }
    }
    Ok(if total == 0.0 {
        f64::NAN
    } else {
        1.0 - left / total
    })
}

/// The root of the mean squared error, in the unit of the targets.
///
/// # Formula
/// √(1/N Σ (y − ŷ)²)
///
/// # Errors
/// No numbers, or other lengths.
///
/// # Example
/// ```
/// use osculant_optim::metrics::rmse;
///
/// assert_eq!(rmse(&[1.0, 2.0], &[4.0, 6.0])?, 12.5f64.sqrt());
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub fn rmse<T: Scalar>(predicted: &[T], targets: &[T]) -> Result<f64> {
    expect_as_many(predicted, targets)?;
    let squares = predicted.iter().zip(targets);
    let sum: f64 = squares
        .map(|(&p, &y)| (p.to_f64() - y.to_f64()).powi(2))
        .sum();
    Ok((sum / targets.len() as f64).sqrt())
}

/// How many numbers belong to each of `parts`, which are at least one.
fn each(numbers: usize, parts: usize, what: &str) -> Result<usize> {
    if parts == 0 || numbers == 0 || !numbers.is_multiple_of(parts) {
        let message = format!("{numbers} numbers are not one or more for each of them");
        return Err(OptimError::invalid(what, parts, &message));
    }
    Ok(numbers / parts)
}

fn expect_as_many<T>(predicted: &[T], targets: &[T]) -> Result<()> {
    if targets.is_empty() {
        let message = "a score needs at least one example";
        return Err(OptimError::invalid("the number of targets", 0, message));
    }
    let hint = "as many as there are targets";
    expect_length(
        "the list of predictions",
        predicted.len(),
        targets.len(),
        hint,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_outputs_wins() {
        assert_eq!(predicted_class(&[0.0, 2.0, 2.0, -1.0]), 1);
        assert_eq!(predicted_class(&[-3.0f32]), 0);
        assert_eq!(predicted_class::<f64>(&[]), 0);
    }

    #[test]
    fn accuracy_is_the_share_of_examples_that_are_right() {
        let outputs = [0.1, 0.9, 0.8, 0.2, 0.3, 0.7, 0.5, 0.5];
        assert_eq!(accuracy(&outputs, &[1, 0, 0, 0]).unwrap(), 0.75);
        // A label that no output stands for is never right.
        assert_eq!(accuracy(&outputs, &[7, 7, 7, 7]).unwrap(), 0.0);
        for labels in [&[][..], &[0; 3], &[0; 9]] {
            let message = accuracy(&outputs, labels).unwrap_err().to_string();
            let count = labels.len().to_string();
            assert!(message.contains("number of labels"), "{message}");
            assert!(message.contains(&count), "{message}");
        }
        assert!(accuracy::<f32>(&[], &[0]).is_err());
    }

    #[test]
    fn r2_is_1_for_the_targets_and_0_for_their_means() {
        // Two targets for each of two examples, of very different means.
        let targets = [1.0, 100.0, 3.0, 102.0];
        assert_eq!(r2(&targets, &targets, 2).unwrap(), 1.0);
        assert_eq!(r2(&[2.0, 101.0, 2.0, 101.0], &targets, 2).unwrap(), 0.0);
        assert_eq!(r2(&[1.0, 101.0, 3.0, 101.0], &targets, 2).unwrap(), 0.5);
        assert!(r2(&[1.0, 2.0], &[5.0, 5.0], 1).unwrap().is_nan());
        // The mean of three tenths is no tenth: their distance is rounding, not variance.
        assert!(r2(&[0.2; 3], &[0.1; 3], 1).unwrap().is_nan());
        assert!(r2(&[1.0], &targets, 2).is_err());
        assert!(r2(&targets, &targets, 3).is_err());
        assert!(r2(&targets, &targets, 0).is_err());
        assert!(r2::<f64>(&[], &[], 1).is_err());
    }

    #[test]
    fn rmse_has_the_unit_of_the_targets() {
        assert_eq!(rmse(&[1.0, 2.0], &[4.0, 6.0]).unwrap(), 12.5f64.sqrt());
        assert!(rmse(&[1.0], &[4.0, 6.0]).is_err());
        assert!(rmse::<f32>(&[], &[]).is_err());
    }
}
