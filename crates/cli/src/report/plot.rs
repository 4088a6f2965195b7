//! Curves as inline SVG.
//!
//! Colours are those of the page's style sheet: series k bears the class `s1` to `s8`.

use super::page::escape;
use super::scale::{Kind, Scale};
use crate::number::significant;
use std::fmt::Write;

/// The size in units of the drawing; pages scale it to their columns.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 250.0;
/// Room for labels.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;
/// Points of a series that are marked and can be pointed at; others are on the line alone.
const MARKED: usize = 250;
/// Points of a series that are drawn.
const DRAWN: usize = 2000;

/// One curve.
#[derive(Clone, Debug, Default)]
pub struct Series {
    pub name: String,
    /// From 0; the page has eight, then they come again.
    pub color: usize,
    /// 0 for a whole line, 1 and 2 for two ways of breaking it.
    pub dashes: usize,
    pub points: Vec<(f64, f64)>,
}

/// How points are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Joined by lines, and marked.
    #[default]
    Curve,
    /// Joined, with the area below filled.
    Area,
    /// Joined, going up and down in steps.
    Steps,
    /// Marked alone.
    Scatter,
}

/// A picture of curves over the same axes.
#[derive(Clone, Debug)]
pub struct Plot {
    pub title: String,
    /// What the horizontal and the vertical axis show.
    pub x: (String, Kind),
    pub y: (String, Kind),
    pub style: Style,
    pub series: Vec<Series>,
    /// Values of y at which a line goes across.
    pub guides: Vec<f64>,
    /// The range of y, where the points shouldn't decide it; those beyond lie at its border.
    pub range: Option<(f64, f64)>,
    /// A line along which x and y are equal, and the same range on both axes.
    pub diagonal: bool,
}

impl Plot {
    /// Curves over linear axes, without any yet.
    pub fn new(title: &str, x: &str, y: &str) -> Self {
        Plot {
            title: title.into(),
            x: (x.into(), Kind::Linear),
            y: (y.into(), Kind::Linear),
            style: Style::Curve,
            series: Vec::new(),
            guides: Vec::new(),
            range: None,
            diagonal: false,
        }
    }

    /// The drawing.
    pub fn svg(&self) -> String {
        let (x, y) = self.scales();
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
            escape(&format!(
                "{}: {} against {}",
                self.title, self.y.0, self.x.0
            ))
        );
        self.axes(&mut svg, &x, &y);
        for series in &self.series {
            self.draw(&mut svg, series, &x, &y);
        }
        svg + "</svg>\n"
    }

    fn scales(&self) -> (Scale, Scale) {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let (x, y) = (self.x.1, self.y.1);
        if self.diagonal {
            let both = points().flat_map(|p| [p.0, p.1]);
            let scale = Scale::fit(x, both);
            return (scale, scale);
        }
        let shown = points().filter(|p| p.0.is_finite() && p.1.is_finite());
        let vertical = match self.range {
            Some((low, high)) => Scale::between(y, low, high),
            None => Scale::fit(
                y,
                shown
                    .clone()
                    .map(|p| p.1)
                    .chain(self.guides.iter().copied()),
            ),
        };
        (Scale::fit(x, shown.map(|p| p.0)), vertical)
    }

    fn axes(&self, svg: &mut String, x: &Scale, y: &Scale) {
        let (right, floor) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        // Writing to a string cannot fail, here and below.
        for (at, text) in y.ticks(5) {
            let Some(v) = y.place(at).map(down) else {
                continue;
            };
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{v:.1}\" y2=\"{v:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                v + 4.0
            );
        }
        for (at, text) in x.ticks(6) {
            let Some(h) = x.place(at).map(across) else {
                continue;
            };
            let _ = writeln!(
                svg,
                "<line class=\"tick\" x1=\"{h:.1}\" x2=\"{h:.1}\" y1=\"{floor}\" y2=\"{:.1}\"/>\
                 <text x=\"{h:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                floor + 4.0,
                floor + 17.0
            );
        }
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{floor}\" y2=\"{floor}\"/>\
             <text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            0.5 * (LEFT + right),
            HEIGHT - 5.0,
            escape(&self.x.0)
        );
        for guide in &self.guides {
            let Some(v) = y.place(*guide).map(down) else {
                continue;
            };
            let _ = writeln!(
                svg,
                "<line class=\"guide\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{v:.1}\" y2=\"{v:.1}\"/>"
            );
        }
        if self.diagonal {
            let _ = writeln!(
                svg,
                "<line class=\"guide\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{floor}\" y2=\"{TOP}\"/>"
            );
        }
    }

    fn draw(&self, svg: &mut String, series: &Series, x: &Scale, y: &Scale) {
        let places: Vec<(f64, f64, (f64, f64))> = thin(&series.points, DRAWN)
            .filter_map(|p| {
                let (h, v) = (x.place(p.0)?, y.place(p.1)?);
                Some((across(h), down(v.clamp(0.0, 1.0)), p))
            })
            .collect();
        let class = format!("s{} d{}", series.color % 8 + 1, series.dashes);
        let _ = writeln!(svg, "<g class=\"{class}\">");
        if self.style != Style::Scatter && places.len() > 1 {
            let mut path = String::new();
            for (k, (h, v, _)) in places.iter().enumerate() {
                let _ = match (k, self.style) {
                    (0, _) => write!(path, "M{h:.1} {v:.1}"),
                    (_, Style::Steps) => write!(path, "H{h:.1}V{v:.1}"),
                    _ => write!(path, "L{h:.1} {v:.1}"),
                };
            }
            if let (Style::Area, Some(first), Some(last)) =
                (self.style, places.first(), places.last())
            {
                let floor = HEIGHT - BOTTOM;
                let _ = writeln!(
                    svg,
                    "<path class=\"area\" d=\"{path}L{:.1} {floor}L{:.1} {floor}Z\"/>",
                    last.0, first.0
                );
            }
            let _ = writeln!(svg, "<path class=\"curve\" d=\"{path}\"/>");
        }
        let dots = match self.style {
            Style::Curve if places.len() <= 40 => "dots",
            Style::Scatter => "scatter",
            _ => "dots far",
        };
        let _ = writeln!(svg, "<g class=\"{dots}\">");
        let marked = if self.style == Style::Scatter {
            DRAWN
        } else {
            MARKED
        };
        for (h, v, (px, py)) in thin(&places, marked) {
            let _ = writeln!(
                svg,
                "<circle cx=\"{h:.1}\" cy=\"{v:.1}\" r=\"2.5\"><title>{}</title></circle>",
                escape(&self.hover(series, px, py))
            );
        }
        let _ = writeln!(svg, "</g></g>");
    }

    fn hover(&self, series: &Series, x: f64, y: f64) -> String {
        let number = |x: f64| {
            if x.fract() == 0.0 && x.abs() < 1e9 {
                format!("{x}")
            } else {
                significant(x, 5)
            }
        };
        let values = format!("{} {}: {} {}", self.x.0, number(x), self.y.0, number(y));
        if series.name.is_empty() {
            values
        } else {
            format!("{}\n{values}", series.name)
        }
    }
}

fn across(place: f64) -> f64 {
    LEFT + place * (WIDTH - LEFT - RIGHT)
}

fn down(place: f64) -> f64 {
    HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
}

/// At most about so many, evenly, the last one among them.
fn thin<P: Copy>(points: &[P], most: usize) -> impl Iterator<Item = P> + '_ {
    let stride = points.len().div_ceil(most).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.iter().enumerate();
    kept.filter(move |(k, _)| k % stride == 0 || *k == last)
        .map(|(_, p)| *p)
}
