//! From outputs and labels to what a report shows of them.

use crate::error::CliError;
use crate::loss::LossName;
use crate::record::{End, Evaluation, Figures, Mistake, RunRecord, Start};
use crate::saved::Saved;
use crate::score::{self, Score};
use crate::source::Form;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use osculant_data::{AnyDataset, Dataset, Legend, Task};
use osculant_optim::metrics::predicted_class;
use std::path::Path;

/// Mistakes that a report shows.
const MISTAKES: usize = 96;
/// Pairs of target and prediction that a record keeps.
const PAIRS: usize = 2000;

/// A run of which the result alone is known: a model, judged by test data or by the digits that
/// come with the program.
pub fn model(path: &Path, data: Option<&Path>, form: Form<'_>) -> Result<RunRecord, CliError> {
    let saved = Saved::load(path)?;
    let (about, legend) = (saved.about(), saved.legend());
    let mut raw = saved.to_predict(data, form)?;
    let mut test = raw.clone();
    test.preprocess(&about.preprocess)?;
    let outputs = score::outputs(&saved.net, &saved.theta, &test)?;
    if legend.task == Task::Inputs {
        test = test.to_itself()?;
        raw = test.clone();
    }
    test.scale_targets(legend)?;
    let r2 = Score::of(&outputs, &test, saved.loss).r2();
    let Some(evaluation) = evaluate(outputs, &raw, saved.loss, legend) else {
        let message = "the data have no targets to judge the model by; give data with targets";
        return Err(CliError::Mismatch(message.into()));
    };
    Ok(RunRecord {
        start: Start {
            parameters: Some(saved.net.len()),
            data: Some(data.map_or("bundled digits".into(), |data| data.display().to_string())),
            loss: Some(about.loss.clone()),
            ..Start::default()
        },
        end: Some(End {
            outcome: Some("a model, judged".into()),
            figures: Figures {
                test_accuracy: evaluation.accuracy(),
                test_r2: r2,
                ..Figures::default()
            },
            ..End::default()
        }),
        evaluation: Some(evaluation),
        name: saved.file,
        ..RunRecord::default()
    })
}

/// What outputs, example after example, are worth on the data that were read, before any
/// preprocessing; none where there is nothing to compare with.
pub fn evaluate(
    mut outputs: Vec<f32>,
    raw: &AnyDataset,
    loss: LossName,
    legend: &Legend,
) -> Option<Evaluation> {
    match raw {
        AnyDataset::Classes(data) => {
            let mut evaluation = labels(&outputs, data);
            let classes = evaluation.confusion.as_ref().map_or(0, Vec::len);
            let names = (0..classes).map(|class| legend.class(class));
            evaluation.classes = Some(names.collect());
            Some(evaluation)
        }
        AnyDataset::Reals(data) => {
            loss.means(&mut outputs);
            if let Some(scaling) = &legend.scaling {
                scaling.undo(&mut outputs);
            }
            Some(numbers(&outputs, data.targets()))
        }
        AnyDataset::Unlabelled(_) => None,
    }
}

/// Compares predicted numbers with targets.
fn numbers(predicted: &[f32], targets: &[f32]) -> Evaluation {
    let stride = targets.len().div_ceil(PAIRS).max(1);
    let pairs = targets.iter().zip(predicted).step_by(stride);
    Evaluation {
        regression: Some(pairs.map(|(&y, &z)| [f64::from(y), f64::from(z)]).collect()),
        ..Evaluation::default()
    }
}

/// Compares the outputs, example after example, with labels. The data are those that were read:
/// before any preprocessing.
fn labels(outputs: &[f32], data: &Dataset) -> Evaluation {
    let m = outputs.len().checked_div(data.len()).unwrap_or(0).max(1);
    let classes = data.classes().max(m);
    let mut confusion = vec![vec![0; classes]; classes];
    let mut mistakes = Vec::new();
    for (example, (z, &label)) in outputs.chunks(m).zip(data.labels()).enumerate() {
        let (predicted, label) = (predicted_class(z) as usize, label as usize);
        // Both are below: there are as many outputs, and labels are checked where they are read.
        if let Some(count) = confusion
            .get_mut(label)
            .and_then(|row| row.get_mut(predicted))
        {
            *count += 1;
        }
        if predicted != label {
            let of_label = z.get(label).copied().unwrap_or(0.0);
            mistakes.push(Mistake {
                example,
                label,
                predicted,
                margin: Some(f64::from(z[predicted] - of_label)),
                png: None,
            });
        }
    }
    let margin = |m: &Mistake| m.margin.unwrap_or(0.0);
    mistakes.sort_by(|a, b| margin(b).total_cmp(&margin(a)));
    mistakes.truncate(MISTAKES);
    let (low, high) = range(data.inputs());
    for mistake in &mut mistakes {
        let input = data.input(mistake.example);
        mistake.png = input.and_then(|input| picture(data.shape(), input, low, high));
    }
    Evaluation {
        confusion: Some(confusion),
        mistakes: Some(mistakes),
        ..Evaluation::default()
    }
}

/// The values that are to be black and white.
fn range(inputs: &[f32]) -> (f32, f32) {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    let (low, high) = inputs.iter().fold(ends, |(l, h), &x| (l.min(x), h.max(x)));
    match (low, high) {
        (l, h) if l >= 0.0 && h <= 1.0 => (0.0, 1.0),
        (l, h) if l >= 0.0 && h <= 255.0 => (0.0, 255.0),
        ends => ends,
    }
}

/// An image of one channel or three as a PNG in base64; none for any other input.
fn picture(shape: &[usize], input: &[f32], low: f32, high: f32) -> Option<String> {
    let (height, width, color) = match *shape {
        [h, w] | [h, w, 1] => (h, w, png::ColorType::Grayscale),
        [h, w, 3] => (h, w, png::ColorType::Rgb),
        _ => return None,
    };
    let scale = 255.0 / (high - low).max(f32::MIN_POSITIVE);
    // `as` takes NaN to 0 and what lies beyond to the nearer end.
    let bytes: Vec<u8> = input
        .iter()
        .map(|x| ((x - low) * scale).round() as u8)
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(
        &mut file,
        u32::try_from(width).ok()?,
        u32::try_from(height).ok()?,
    );
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&bytes).ok()?;
    writer.finish().ok()?;
    Some(STANDARD.encode(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted_and_shown_surest_first() {
        let inputs = vec![
            0.0, 255.0, 7.0, 7.0, 1.0, 2.0, 3.0, 4.0, 255.0, 128.0, 64.0, 0.0,
        ];
        let data = Dataset::new([2, 2, 1], inputs, vec![0, 1, 1], 2).unwrap();
        let found = labels(&[1.0, 0.5, 0.6, 0.5, 2.0, 0.0], &data);
        assert_eq!(found.confusion, Some(vec![vec![1, 0], vec![2, 0]]));
        let mistakes = found.mistakes.unwrap();
        let shown: Vec<_> = mistakes
            .iter()
            .map(|m| (m.example, m.label, m.predicted))
            .collect();
        assert_eq!(shown, [(2, 1, 0), (1, 1, 0)]);
        let file = STANDARD.decode(mistakes[0].png.as_ref().unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; 4];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [255, 128, 64, 0]);
    }

    #[test]
    fn inputs_that_are_no_images_are_shown_without() {
        let data = Dataset::new([2], vec![0.5, -0.5], vec![1], 2).unwrap();
        let found = labels(&[1.0, 0.5], &data).mistakes.unwrap();
        assert_eq!((found.len(), &found[0].png), (1, &None));
        assert_eq!(
            picture(&[1, 2, 3], &[0.5; 6], 0.0, 1.0).map(|p| p.is_empty()),
            Some(false)
        );
    }

    #[test]
    fn many_predictions_are_thinned() {
        let numbers = numbers(&vec![1.0; 5001], &vec![2.0; 5001])
            .regression
            .unwrap();
        assert_eq!((numbers.len(), numbers[0]), (1667, [2.0, 1.0]));
    }
}
