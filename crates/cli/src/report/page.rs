//! A page in one file: no script, no picture and no font comes from elsewhere.

use std::fmt::Write;

/// A page about to be written.
pub struct Page {
    title: String,
    head: String,
    choices: String,
    body: String,
}

/// A way of looking at the page, of which one is chosen at a time.
pub struct Choice {
    pub id: &'static str,
    pub name: &'static str,
}

impl Page {
    /// An empty page.
    pub fn new(title: &str) -> Self {
        Page {
            title: title.into(),
            head: String::new(),
            choices: String::new(),
            body: String::new(),
        }
    }

    /// A paragraph below the title.
    pub fn lead(&mut self, html: &str) {
        self.head += &format!("<p class=\"soft\">{html}</p>\n");
    }

    /// A large number with what it is, below the title.
    pub fn figures<'a>(&mut self, figures: impl IntoIterator<Item = (&'a str, String)>) {
        self.head += "<ul class=\"figures\">\n";
        for (name, value) in figures {
            self.head += &format!(
                "<li><b>{}</b><span>{}</span></li>\n",
                escape(&value),
                escape(name)
            );
        }
        self.head += "</ul>\n";
    }

    /// The heading of what follows.
    pub fn section(&mut self, title: &str) {
        self.body += &format!("<h2>{}</h2>\n", escape(title));
    }

    /// Anything.
    pub fn html(&mut self, html: &str) {
        self.body += html;
    }

    /// Buttons of which one is pressed, the first at the beginning; elements with the class
    /// `by-ID` show while the one with that id is. Once per page: they work without a script,
    /// by standing before everything that they change.
    pub fn choose(&mut self, choices: &[Choice]) {
        let mut rules = String::new();
        let mut labels = String::new();
        for (k, Choice { id, name }) in choices.iter().enumerate() {
            let checked = if k == 0 { " checked" } else { "" };
            self.choices += &format!(
                "<input class=\"choice\" type=\"radio\" name=\"by\" id=\"{id}\"{checked}>\n"
            );
            labels += &format!("<label for=\"{id}\">{}</label>", escape(name));
            rules += &format!(
                "#{id}:checked ~ main label[for={id}] {{ background: var(--ink); color: \
                 var(--card); }}\n#{id}:focus-visible ~ main label[for={id}] {{ outline: 2px solid \
                 var(--s1); outline-offset: -2px; }}\n#{id}:not(:checked) ~ main .by-{id} {{ \
                 display: none; }}\n"
            );
        }
        self.choices += &format!("<style>\n{rules}</style>\n");
        self.body += &format!("<div class=\"choices\">{labels}</div>\n");
    }

    /// The whole file.
    pub fn finish(self) -> String {
        let title = escape(&self.title);
        let mut html = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
             name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{}</style>\n\
             </head>\n<body>\n<header>\n<h1>{title}</h1>\n{}</header>\n{}<main>\n{}</main>\n\
             <footer>Written by osculant {}.</footer>\n</body>\n</html>\n",
            include_str!("style.css"),
            self.head,
            self.choices,
            self.body,
            env!("CARGO_PKG_VERSION"),
        );
        html
    }
}

/// Text as it may stand in HTML, attributes included.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_page() {
        let mut page = Page::new("<script>alert('1')</script>");
        page.section("a & \"b\"");
        let html = page.finish();
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("a &amp; &quot;b&quot;"), "{html}");
    }
}
