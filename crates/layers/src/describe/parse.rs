//! From text to a description and back.

use super::{DescribeError, LayerDescription, NetworkDescription};
use serde::Deserialize;
use serde_json::Value;

/// The top level: keys beside these two are ignored.
#[derive(Deserialize)]
#[serde(expecting = "an object with `input_shape` and `layers`")]
struct Outer {
    input_shape: Vec<usize>,
    layers: Vec<Value>,
}

impl NetworkDescription {
    /// Reads a description.
    ///
    /// # Errors
    /// Text that is no JSON; a layer with an unknown type, with an unknown, missing or impossible
    /// key, with its position and what is known.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::describe::NetworkDescription;
    ///
    /// let text = r#"{"input_shape": [4], "layers": [{"type": "dense", "units": 3}]}"#;
    /// let mistake = NetworkDescription::parse(text).unwrap_err().to_string();
    /// assert!(mistake.starts_with("layers[0] (dense): unknown field `units`"));
    /// ```
    pub fn parse(json: &str) -> Result<Self, DescribeError> {
        if json.trim_start().starts_with('[') {
            // Serde would take a list for the fields without their names.
            return Err(DescribeError::Json {
                message: "it is a list; it must be an object with `input_shape` and `layers`"
                    .into(),
            });
        }
        let outer = serde_json::from_str(json);
        let Outer {
            input_shape,
            layers,
        } = outer.map_err(|e| DescribeError::Json {
            message: e.to_string(),
        })?;
        Ok(NetworkDescription {
            input_shape,
            layers: each_layer(layers, "layers")?,
        })
    }

    /// Writes the description, so that [`parse`](Self::parse) gives it back.
    ///
    /// # Errors
    /// A slope that is not finite: JSON has no word for it.
    pub fn to_json(&self) -> Result<String, DescribeError> {
        check_slopes(&self.layers, "layers")?;
        serde_json::to_string_pretty(self).map_err(|e| DescribeError::Json {
            message: e.to_string(),
        })
    }
}

fn each_layer(layers: Vec<Value>, path: &str) -> Result<Vec<LayerDescription>, DescribeError> {
    let layers = layers.into_iter().enumerate();
    layers
        .map(|(i, value)| one_layer(value, format!("{path}[{i}]")))
        .collect()
}

fn one_layer(mut value: Value, position: String) -> Result<LayerDescription, DescribeError> {
    if !value.is_object() {
        return Err(DescribeError::Layer {
            position,
            kind: String::new(),
            message: format!("{value} is no layer; a layer is an object with a `type`"),
        });
    }
    let kind = match value.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        _ => String::new(),
    };
    // The branches of a residual are read apart, so that a mistake in them has its own position.
    let mut branches = [None, None];
    if kind == "residual" {
        for (branch, layers) in ["main", "shortcut"].into_iter().zip(&mut branches) {
            if let Some(Value::Array(values)) = value.get_mut(branch) {
                let values = std::mem::take(values);
                *layers = Some(each_layer(values, &format!("{position}.{branch}"))?);
            }
        }
    }
    let mut layer = match serde_json::from_value(value) {
        Ok(layer) => layer,
        Err(e) => {
            return Err(DescribeError::Layer {
                position,
                kind,
                message: e.to_string(),
            });
        }
    };
    if let LayerDescription::Residual { main, shortcut } = &mut layer {
        let [read_main, read_shortcut] = branches;
        *main = read_main.unwrap_or_default();
        *shortcut = read_shortcut.unwrap_or_default();
    }
    Ok(layer)
}

fn check_slopes(layers: &[LayerDescription], path: &str) -> Result<(), DescribeError> {
    for (i, layer) in layers.iter().enumerate() {
        let position = format!("{path}[{i}]");
        match layer {
            LayerDescription::LeakyRelu { slope } if !slope.is_finite() => {
                return Err(DescribeError::Layer {
                    position,
                    kind: layer.kind().into(),
                    message: format!("slope is {slope}; it must be finite"),
                });
            }
            LayerDescription::Residual { main, shortcut } => {
                check_slopes(main, &format!("{position}.main"))?;
                check_slopes(shortcut, &format!("{position}.shortcut"))?;
            }
            _ => {}
        }
    }
    Ok(())
}
