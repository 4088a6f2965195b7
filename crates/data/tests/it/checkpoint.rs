//! Checkpoints: what comes back, and what is refused.

use osculant_data::Checkpoint;
use osculant_optim::train::State;
use std::fs;

fn checkpoint() -> Checkpoint<f32> {
    let state = State::new("newton_cg", 7, vec![0.1f32, -0.0, f32::MIN_POSITIVE])
        .with_vector("warm", vec![1.0, 2.0, 3.0])
        .with_numbers("damping", vec![0.1 + 0.2, 1e-300])
        .with_numbers("empty", vec![]);
    let mut checkpoint = Checkpoint::new(Some(state));
    let note = "{\"text\": \"λ = 0.3\"}";
    checkpoint.notes.insert("options".into(), note.into());
    checkpoint
}

#[test]
fn a_checkpoint_comes_back_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    for checkpoint in [checkpoint(), Checkpoint::new(None)] {
        checkpoint.save(&path).unwrap();
        let back = Checkpoint::<f32>::load(&path).unwrap();
        assert_eq!(back, checkpoint);
        if let Some(state) = back.state {
            assert_eq!(state.theta[1].to_bits(), (-0.0f32).to_bits());
        }
        let first = fs::read(&path).unwrap();
        checkpoint.save(&path).unwrap();
        assert!(fs::read(&path).unwrap() == first, "other bytes");
    }
}

#[test]
fn any_changed_byte_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    checkpoint().save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        // Blanks in the header mean nothing.
        match Checkpoint::<f32>::load(&path) {
            Ok(same) => assert_eq!(same, checkpoint(), "byte {at}"),
            Err(error) => assert!(error.to_string().contains("checkpoint`"), "{error}"),
        }
    }
}

#[test]
fn nan_and_numbers_of_another_type_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut broken = checkpoint();
    if let Some(state) = &mut broken.state {
        state.theta[2] = f32::NAN;
    }
    broken.save(&path).unwrap();
    let text = Checkpoint::<f32>::load(&path).unwrap_err().to_string();
    assert!(
        text.contains("NaN at index 2 of the tensor `theta`"),
        "{text}"
    );
    checkpoint().save(&path).unwrap();
    let text = Checkpoint::<f64>::load(&path).unwrap_err().to_string();
    assert!(text.contains("in f32") && text.contains("in f64"), "{text}");
}
