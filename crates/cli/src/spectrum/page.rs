//! Spectra as a page.

use super::{HEAD, Matrix, line};
use crate::error::CliError;
use crate::number::significant;
use crate::report::page::{Page, escape};
use crate::report::plot::{Plot, Series, Style};
use crate::report::scale::Kind;
use osculant_optim::solve::Ritz;
use std::fmt::Write;

/// Places at which the density is drawn.
const PLACES: usize = 400;
/// Width of the Gaussians, as a share of the range.
const WIDTH: f64 = 0.006;
/// Decades below the largest eigenvalue that the count of eigenvalues is drawn over.
const DECADES: i32 = 9;
/// Ritz values that are listed from each end.
const LISTED: usize = 10;

/// The page of some matrices, with what it is about.
pub fn html(about: &[(&str, String)], found: &[Matrix]) -> Result<String, CliError> {
    let mut page = Page::new("Spectrum of the curvature");
    for (_, text) in about {
        page.lead(&escape(text));
    }
    let lines: Vec<String> = found.iter().map(line).collect();
    page.html(&format!(
        "<div class=\"wide\"><pre>{}\n{}</pre></div>\n",
        escape(HEAD),
        escape(&lines.join("\n"))
    ));
    page.section("Density of eigenvalues");
    page.html(
        "<p class=\"soft\">The share of eigenvalues per unit of λ, smoothed. Bumps that stand alone \
         are single eigenvalues.</p>\n<div class=\"plots large\">\n",
    );
    for (color, matrix) in found.iter().enumerate() {
        page.html(&figure(
            &format!("{} ", matrix.name),
            &density(matrix, color)?,
        ));
    }
    page.html("</div>\n");
    page.section("Eigenvalues by size");
    page.html(
        "<p class=\"soft\">How many eigenvalues lie above λ, and (broken) how many lie below −λ: \
         both axes are logarithmic.</p>\n<div class=\"plots large\">\n",
    );
    for (color, matrix) in found.iter().enumerate() {
        page.html(&figure(
            &format!("{} ", matrix.name),
            &counts(matrix, color),
        ));
    }
    page.html("</div>\n");
    page.section("Ritz values at both ends");
    page.html(
        "<p class=\"soft\">From the first random vector. An eigenvalue lies within each error, \
         rounding aside.</p>\n<div class=\"plots\">\n",
    );
    for matrix in found {
        page.html(&ends(matrix));
    }
    page.html("</div>\n");
    Ok(page.finish())
}

fn figure(name: &str, plot: &Plot) -> String {
    format!(
        "<figure>\n<figcaption>{}<small>{}</small></figcaption>\n{}</figure>\n",
        escape(name),
        escape(&plot.title),
        plot.svg()
    )
}

fn density(matrix: &Matrix, color: usize) -> Result<Plot, CliError> {
    let spectrum = &matrix.spectrum;
    let (low, high) = (spectrum.smallest().value, spectrum.largest().value);
    let range = match high - low {
        range if range > 0.0 => range,
        // All eigenvalues are alike.
        _ => high.abs().max(1.0),
    };
    let sigma = WIDTH * range;
    let (low, high) = (low - 4.0 * sigma, high + 4.0 * sigma);
    let step = (high - low) / (PLACES - 1) as f64;
    let places: Vec<f64> = (0..PLACES).map(|k| low + k as f64 * step).collect();
    let density = spectrum.density(sigma, &places)?;
    // A tenth of what a single eigenvalue makes.
    let single = 0.4 / (sigma * spectrum.dimension().max(1) as f64);
    let floor = 0.1 * single;
    let top = density.iter().fold(single, |t: f64, &d| t.max(d));
    let mut plot = Plot::new("eigenvalue density", "λ", "share per unit of λ");
    plot.y.1 = Kind::Logarithmic;
    plot.style = Style::Area;
    plot.range = Some((floor, 2.0 * top));
    let points = places.into_iter().zip(density);
    plot.series.push(Series {
        color,
        points: points.map(|(x, d)| (x, d.max(floor))).collect(),
        ..Series::default()
    });
    Ok(plot)
}

fn counts(matrix: &Matrix, color: usize) -> Plot {
    let n = matrix.spectrum.dimension() as f64;
    let ritz = matrix.spectrum.ritz();
    let ends = [
        matrix.spectrum.largest().value,
        matrix.spectrum.smallest().value,
    ];
    let largest = ends.iter().fold(0.0, |l: f64, x| l.max(x.abs()));
    let least = largest * 10f64.powi(-DECADES);
    let mut plot = Plot::new("number of eigenvalues beyond λ", "λ", "eigenvalues");
    (plot.x.1, plot.y.1) = (Kind::Logarithmic, Kind::Logarithmic);
    plot.style = Style::Steps;
    let mut add = |name: &str, dashes: usize, beyond: &mut dyn Iterator<Item = (f64, f64)>| {
        let mut count = 0.0;
        let mut points = Vec::new();
        for (x, weight) in beyond.take_while(|(x, _)| *x > least) {
            count += n * weight;
            // What a random vector hardly holds is no tenth of an eigenvalue.
            if count >= 0.1 {
                points.push((x, count));
            }
        }
        if !points.is_empty() {
            plot.series.push(Series {
                name: name.into(),
                color,
                dashes,
                points,
            });
        }
    };
    add(
        "above λ",
        0,
        &mut ritz.iter().rev().map(|r| (r.value, r.weight)),
    );
    add(
        "below −λ",
        1,
        &mut ritz.iter().map(|r| (-r.value, r.weight)),
    );
    plot
}

fn ends(matrix: &Matrix) -> String {
    let empty = Vec::new();
    let run = matrix.spectrum.runs().first().unwrap_or(&empty);
    let row = |r: &Ritz| {
        format!(
            "<tr><td>{}</td><td>{:.0e}</td></tr>\n",
            significant(r.value, 8),
            r.error.max(matrix.rounding)
        )
    };
    let mut rows: String = run.iter().rev().take(LISTED).map(row).collect();
    let left = run.len().saturating_sub(LISTED);
    if left > LISTED {
        // Writing to a string cannot fail.
        let _ = writeln!(rows, "<tr><td>{} more</td><td></td></tr>", left - LISTED);
    }
    let smallest: Vec<String> = run.iter().take(LISTED.min(left)).map(row).collect();
    rows.extend(smallest.into_iter().rev());
    format!(
        "<figure><figcaption>{}</figcaption><table class=\"runs\"><thead><tr><th>value</th>\
         <th>error</th></tr></thead>\n<tbody>{rows}</tbody></table></figure>\n",
        matrix.name
    )
}
