//! A saved model, and the data to use it on.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network;
use crate::source::{self, Form};
use osculant_data::{About, AnyDataset, Legend, Loaded, ModelFile};
use osculant_layers::Network;
use std::path::Path;

/// A model from a file.
pub struct Saved {
    /// What messages call the file.
    pub file: String,
    pub model: ModelFile,
    pub net: Network<f32>,
    pub theta: Vec<f32>,
    pub loss: LossName,
}

impl Saved {
    /// Reads a model file, and builds its network.
    pub fn load(path: &Path) -> Result<Self, CliError> {
        let file = path.display().to_string();
        let model = ModelFile::load(path)?;
        let mut net = network::rebuild(&model.about().network, &file)?;
        let theta = model.restore(&mut net)?;
        let name = &model.about().loss;
        let loss = LossName::find(name).ok_or_else(|| CliError::ModelLoss {
            file: file.clone(),
            loss: name.clone(),
        })?;
        Ok(Saved {
            file,
            model,
            net,
            theta,
            loss,
        })
    }

    /// What the file says of the model.
    pub fn about(&self) -> &About {
        self.model.about()
    }

    /// The words of the data that it was trained on.
    pub fn legend(&self) -> &Legend {
        &self.about().legend
    }

    /// The examples to predict: the test part of a data set that has one, otherwise all of it.
    /// Without a path, those of the digits that come with the program.
    pub fn to_predict(&self, path: Option<&Path>, form: Form<'_>) -> Result<AnyDataset, CliError> {
        self.read(path, form, |loaded| loaded.test.unwrap_or(loaded.train))
    }

    /// The same, but the training part.
    pub fn trained_on(&self, path: Option<&Path>, form: Form<'_>) -> Result<AnyDataset, CliError> {
        self.read(path, form, |loaded| loaded.train)
    }

    fn read(
        &self,
        path: Option<&Path>,
        form: Form<'_>,
        part: impl FnOnce(Loaded) -> osculant_data::Table,
    ) -> Result<AnyDataset, CliError> {
        let loaded = source::load_like(path, form, self.legend(), self.net.input_size())?;
        let data = part(loaded).decode_with(self.legend(), self.net.output_shape().size())?;
        let name = match path {
            Some(_) => format!("of `{}`", self.file),
            None => format!("of `{}` (without --data, the bundled digits)", self.file),
        };
        network::check_fit(&name, &self.net, &data)?;
        Ok(data)
    }
}
