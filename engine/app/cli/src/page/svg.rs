//! A page as SVG: the viewer's own fonts show its text.

use std::fmt::Write as _;

use hufu_web::escaped;

use super::{Ink, Mark, Page};

/// Writes a page.
pub(super) fn write(page: &Page) -> String {
    let Page { width, height, title, marks } = page;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-weight=\"bold\" text-anchor=\"middle\">\n\
         <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    // One path for all boxes, so that no viewer leaves a hair line between two of them.
    let mut path = String::new();
    for mark in marks {
        // Writing into a string does not fail.
        let _ = match mark {
            Mark::Box { x, y, width, height } => {
                write!(path, "M{x:.3} {y:.3}h{width:.3}v{height:.3}h-{width:.3}z")
            }
            Mark::Line { .. } => Ok(()),
        };
    }
    let _ = writeln!(svg, "<path shape-rendering=\"crispEdges\" d=\"{path}\"/>");
    for mark in marks {
        let Mark::Line { x, y, size, ink, text } = mark else { continue };
        let fill = match ink {
            Ink::Black => "#000",
            Ink::Grey => "#dbdbdb",
            Ink::White => "#fff",
        };
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\">{}</text>",
            escaped(text)
        );
    }
    svg + "</svg>\n"
}
