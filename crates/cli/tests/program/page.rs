//! The page of `osculant report`, as a browser shows it.
//!
//! Chromium is taken from `OSCULANT_CHROMIUM`, or from where it usually is. Where there is none
//! and none is named, what only a browser can tell is left out.

use crate::run::osculant;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Colours of the first two runs, in daylight.
const BLUE: [u8; 3] = [0x25, 0x63, 0xd4];
const RED: [u8; 3] = [0xd1, 0x49, 0x1b];

fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("OSCULANT_CHROMIUM") {
        return Some(named.into());
    }
    let usual = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let found = usual
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("no browser: set OSCULANT_CHROMIUM to see the pages looked at");
    }
    found
}

/// What the browser makes of a page: standard output.
fn browse(browser: &Path, page: &Path, arguments: &[&str]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run".split(' '))
        .args("--disable-background-networking --disable-component-update".split(' '))
        .args("--disable-sync --hide-scrollbars --virtual-time-budget=2000".split(' '))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A screenshot.
struct Shot {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Shot {
    fn take(browser: &Path, page: &Path, width: usize, height: usize, more: &[&str]) -> Shot {
        let path = page.with_extension("png");
        let (size, to) = (
            format!("--window-size={width},{height}"),
            format!("--screenshot={}", path.display()),
        );
        browse(browser, page, &[&[&size[..], &to[..]], more].concat());
        let file = std::io::BufReader::new(fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (width, height));
        let channels = info.color_type.samples();
        let pixels = bytes.chunks(channels).flat_map(|p| [p[0], p[1], p[2]]);
        Shot {
            width,
            height,
            pixels: pixels.collect(),
        }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = 3 * (y * self.width + x);
        self.pixels[start..start + 3].try_into().unwrap()
    }

    /// How many pixels of a box have about this colour.
    fn count(&self, [x, y, width, height]: [f64; 4], color: [u8; 3]) -> usize {
        let columns = x as usize..((x + width) as usize).min(self.width);
        let near = |pixel: [u8; 3]| pixel.iter().zip(color).all(|(p, c)| p.abs_diff(c) <= 24);
        let rows = y as usize..((y + height) as usize).min(self.height);
        rows.flat_map(|y| columns.clone().map(move |x| (x, y)))
            .filter(|&(x, y)| near(self.at(x, y)))
            .count()
    }
}

fn write(folder: &Path, name: &str, events: &[Value]) -> String {
    let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
    let path = folder.join(name);
    fs::write(&path, lines.concat()).unwrap();
    path.display().to_string()
}

/// A run with everything there is, and one that knows little.
fn records(folder: &Path) -> [String; 2] {
    let mut newton = vec![json!({
        "event": "start", "name": "Newton <CG>", "network": "cnn4", "parameters": 62026,
        "data": "digits", "loss": "squared", "regularization": 80.0, "value": 2.0,
        "gradient_norm": 10.0, "test_accuracy": 0.1,
    })];
    for k in 1..=12 {
        let x = f64::from(k);
        newton.push(json!({
            "event": "iteration", "iteration": k, "seconds": 2.5 * x, "products": 9 * k,
            "value": 2.0 * (-0.3 * x).exp(), "gradient_norm": 10.0 * (-0.4 * x).exp(),
            "lambda": 0.3 * (2.0f64 / 3.0).powi(k), "ratio": 0.5 + 0.04 * x, "cg_iterations": 4 + k,
            "step": 1.0 - 0.5 * f64::from(k % 2), "test_accuracy": 1.0 - 0.9 * (-0.3 * x).exp(),
            "train_accuracy": 1.0 - 0.9 * (-0.35 * x).exp(),
        }));
    }
    let dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==";
    newton.push(json!({
        "event": "evaluation", "confusion": [[95, 3, 2], [1, 99, 0], [0, 8, 92]],
        "mistakes": [
            {"example": 17, "label": 2, "predicted": 1, "margin": 0.5, "png": dot},
            {"example": 4, "label": 0, "predicted": 2},
        ],
    }));
    newton.push(json!({"event": "end", "outcome": "all iterations were made", "iterations": 12}));
    let mut adam = vec![json!({"event": "start", "name": "Adam"})];
    for k in 1..=30 {
        let value = 2.0 * (-0.1 * f64::from(k)).exp();
        adam.push(json!({"event": "iteration", "iteration": k, "seconds": k, "value": value}));
    }
    [
        write(folder, "newton.jsonl", &newton),
        write(folder, "adam.jsonl", &adam),
    ]
}

fn page_of(folder: &Path, records: &[String]) -> PathBuf {
    let page = folder.join("run.html");
    let ran = osculant(&format!(
        "report {} --output {}",
        records.join(" "),
        page.display()
    ));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""));
    page
}

/// Where the browser puts everything, by its own account.
fn look(browser: &Path, page: &Path, width: usize) -> Value {
    look_after(browser, page, width, "")
}

/// The same after a script.
fn look_after(browser: &Path, page: &Path, width: usize, script: &str) -> Value {
    let asking = page.with_extension("asking.html");
    let mut html = fs::read_to_string(page).unwrap();
    html += &format!("<script>{script}</script>");
    html += "<script>const of = selector => [...document.querySelectorAll(selector)]
        .filter(e => e.getClientRects().length).map(e => { const b = e.getBoundingClientRect();
        return [e.textContent.trim(), [b.x, b.y, b.width, b.height]]; });
        document.title = JSON.stringify({ figures: of('figure'), cells: of('.confusion td'),
        mistakes: of('.mistakes li'), images: of('.mistakes img'), dots: of('circle').length,
        curves: of('.curve').length, labels: of('figure .label'), all: of('html')[0][1],
        heading: of('h1')[0][0] });</script>";
    fs::write(&asking, html).unwrap();
    let size = format!("--window-size={width},1000");
    let dom = browse(browser, &asking, &["--dump-dom", &size]);
    let (_, rest) = dom.split_once("<title>").unwrap();
    let text = rest.split_once("</title>").unwrap().0;
    let text = text
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_page_is_one_file_that_asks_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let html = fs::read_to_string(page_of(folder.path(), &records(folder.path()))).unwrap();
    for word in [
        "<script",
        "http:",
        "https:",
        "url(",
        "@import",
        "Newton <CG>",
    ] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.contains("Newton &lt;CG&gt; and Adam"), "{html}");
    // Seven figures know of Newton's run; each is drawn once against each of three axes.
    assert_eq!(html.matches("<figure>").count(), 7);
    assert_eq!(html.matches("class=\"by-seconds\"").count(), 7);
    assert_eq!(html.matches("<svg viewBox=\"0 0 400").count(), 21);
}

#[test]
fn a_browser_shows_the_curves_the_confusion_and_the_mistakes() {
    let Some(browser) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page_of(folder.path(), &records(folder.path()));
    let seen = |width: usize| look(&browser, &page, width);
    let place = |value: &Value| -> [f64; 4] { serde_json::from_value(value.clone()).unwrap() };

    let wide = seen(1200);
    let height = place(&wide["all"])[3].ceil() as usize;
    let shot = Shot::take(&browser, &page, 1200, height, &[]);
    let figures = wide["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 7);
    for figure in figures {
        let (text, place) = (figure[0].as_str().unwrap(), place(&figure[1]));
        let (blue, red) = (shot.count(place, BLUE), shot.count(place, RED));
        assert!(blue > 150, "{text}: {blue} blue pixels");
        // Of Adam's run the objective alone is known.
        let known = text.starts_with("Objective");
        assert!(
            if known { red > 150 } else { red == 0 },
            "{text}: {red} red pixels"
        );
    }
    let titles = [
        "Objective",
        "Accuracy",
        "Gradient norm",
        "Damping",
        "Ratio",
        "CG",
        "Step",
    ];
    for (title, figure) in titles.iter().zip(figures) {
        assert!(
            figure[0].as_str().unwrap().starts_with(title),
            "{title}: {figure}"
        );
    }
    let labels = wide["labels"].as_array().unwrap();
    assert_eq!(labels.len(), 7);
    assert!(
        labels.iter().all(|label| label[0] == "iteration"),
        "{labels:?}"
    );
    // Twelve iterations of seven figures and of another line, the start in three, and Adam's
    // thirty.
    assert_eq!(wide["dots"], 12 * 8 + 3 + 30);
    // Seven of Newton's, one of Adam's, and the accuracy on training data.
    assert_eq!(
        wide["curves"].as_u64().unwrap() - 4,
        9,
        "and four in legends"
    );

    let cells = wide["cells"].as_array().unwrap();
    let counts: Vec<&str> = cells.iter().map(|c| c[0].as_str().unwrap()).collect();
    assert_eq!(counts, ["95", "3", "2", "1", "99", "0", "0", "8", "92"]);
    for (cell, hue) in [(0, [45, 130, 92]), (7, [212, 105, 67])] {
        let place = place(&cells[cell][1]);
        let (shaded, all) = (shot.count(place, hue), place[2] * place[3]);
        assert!(shaded as f64 > 0.5 * all, "cell {cell}: {shaded} of {all}");
    }
    assert_eq!(wide["mistakes"].as_array().unwrap().len(), 2);
    assert_eq!(wide["mistakes"][0][0], "2 → 1no. 17");
    let image = place(&wide["images"][0][1]);
    assert!(
        image[2] > 40.0 && shot.count(image, [0, 0, 0]) > 1000,
        "{image:?}"
    );

    // Against seconds, whose labels take the place of the others.
    let by_seconds = "document.getElementById('seconds').click();";
    let later = look_after(&browser, &page, 1200, by_seconds);
    let labels = later["labels"].as_array().unwrap();
    assert_eq!(labels.len(), 7);
    assert!(
        labels.iter().all(|label| label[0] == "seconds"),
        "{labels:?}"
    );
    assert_eq!(later["curves"], wide["curves"]);

    // The same at night, and on a phone without anything that sticks out.
    let night = "--blink-settings=preferredColorScheme=0";
    let dark = Shot::take(&browser, &page, 1200, 400, &[night]);
    assert!(dark.at(3, 3).iter().all(|&c| c < 40), "{:?}", dark.at(3, 3));
    assert!(
        shot.at(3, 3).iter().all(|&c| c > 230),
        "{:?}",
        shot.at(3, 3)
    );
    let phone = seen(500);
    assert!(place(&phone["all"])[2] <= 500.0, "{}", phone["all"]);
    for figure in phone["figures"].as_array().unwrap() {
        let [x, _, width, _] = place(&figure[1]);
        assert!(x >= 0.0 && x + width <= 500.0 && width > 400.0, "{figure}");
    }
}

#[test]
fn training_writes_a_page_that_a_browser_shows() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let train = "train --net mlp:12 --train-examples 400 --test-examples 200 --validation 25% \
                 --curvature 10%";
    let ran = osculant(&format!(
        "{train} --iterations 4 --run {} --report {}",
        path("first").display(),
        path("train.html").display()
    ));
    ran.last();
    let html = fs::read_to_string(path("train.html")).unwrap();
    for word in ["<script", "http:", "https:", "url(", "@import"] {
        assert!(!html.contains(word), "{word}");
    }
    // A run that goes on shows all of its course, the part before included.
    let resumed = format!("train --resume {} --iterations 6", path("first").display());
    osculant(&resumed).last();
    osculant(&format!(
        "{train} --seed 2 --iterations 3 --quiet --run {}",
        path("second").display()
    ))
    .last();
    let both = [path("first"), path("second")].map(|run| run.display().to_string());
    let compared = page_of(folder.path(), &both);
    let Some(browser) = chromium() else { return };

    let seen = look(&browser, &path("train.html"), 1200);
    assert_eq!(seen["heading"], "mlp:12 on bundled digits");
    let figures = seen["figures"].as_array().unwrap();
    let titles = [
        "Objective",
        "Accuracy",
        "Mean loss",
        "Gradient norm",
        "Damping",
        "Ratio",
        "CG iterations",
        "Step",
    ];
    assert_eq!(figures.len(), titles.len());
    for (title, figure) in titles.iter().zip(figures) {
        assert!(figure[0].as_str().unwrap().starts_with(title), "{figure}");
    }
    let cells = seen["cells"].as_array().unwrap();
    let counts = cells
        .iter()
        .map(|c| c[0].as_str().unwrap().parse::<usize>());
    let counts: Vec<usize> = counts.collect::<Result<_, _>>().unwrap();
    assert_eq!((counts.len(), counts.iter().sum()), (100, 200));
    let right: usize = (0..10).map(|k| counts[11 * k]).sum();
    let mistakes = seen["mistakes"].as_array().unwrap().len();
    assert_eq!(mistakes, (200 - right).min(96));
    assert_eq!(seen["images"].as_array().unwrap().len(), mistakes);
    // Six iterations and the start, in each figure; accuracy and loss of test and validation.
    let (of_all, known_at_start) = (6 * 10, 6);
    assert_eq!(seen["dots"], of_all + known_at_start);

    let seen = look(&browser, &compared, 1200);
    assert_eq!(seen["heading"], "first and second");
    let height = seen["all"][3].as_f64().unwrap().ceil() as usize;
    let shot = Shot::take(&browser, &compared, 1200, height, &[]);
    for figure in seen["figures"].as_array().unwrap().iter().take(8) {
        let place: [f64; 4] = serde_json::from_value(figure[1].clone()).unwrap();
        let (blue, red) = (shot.count(place, BLUE), shot.count(place, RED));
        assert!(blue > 80 && red > 80, "{blue} {red} {figure}");
    }
}

#[test]
fn a_browser_shows_the_densities_of_both_matrices() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("spectrum.html");
    let ran = osculant(&format!(
        "spectrum --net mlp:4:tanh --examples 40 --loss softmax --output {}",
        page.display()
    ));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
    let html = fs::read_to_string(&page).unwrap();
    for word in ["<script", "http:", "https:", "url(", "@import"] {
        assert!(!html.contains(word), "{word}");
    }
    let Some(browser) = chromium() else { return };
    let seen = look(&browser, &page, 1200);
    let figures = seen["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 6);
    let height = seen["all"][3].as_f64().unwrap().ceil() as usize;
    let shot = Shot::take(&browser, &page, 1200, height, &[]);
    let colours = figures.iter().map(|figure| {
        let place: [f64; 4] = serde_json::from_value(figure[1].clone()).unwrap();
        (shot.count(place, BLUE), shot.count(place, RED))
    });
    let (blue, red): (Vec<_>, Vec<_>) = colours.unzip();
    // Densities and counts, of G in the first colour and of the Hessian in the second.
    for (blue, red) in blue.iter().zip(&red).take(4) {
        assert!(blue.max(red) > &150, "{blue} {red}");
    }
    assert!(blue.iter().any(|n| *n > 150) && red.iter().any(|n| *n > 150));
}
