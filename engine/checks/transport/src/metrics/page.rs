//! Metric families, one after the other, as Prometheus reads them.

use core::fmt::{self, Write as _};
use std::borrow::Cow;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::exhibit::{Exhibit, Family, Histogram, Labels, Values};
use super::process;

/// The two formats that readers of such pages know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' text format, version 0.0.4: for every reader that does not ask for the other one.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format for a request whose `Accept` says this.
    pub(super) fn wanted(accept: &str) -> Format {
        if accept.contains("application/openmetrics-text") { Format::OpenMetrics } else { Format::Text }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Everything that `exhibit` shows.
pub(crate) fn page(exhibit: &Arc<dyn Exhibit>, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page(Arc::clone(exhibit))));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(match format {
        Format::OpenMetrics => text,
        Format::Text => as_text(&text),
    })
}

/// The older format has no `# EOF`, and its first two lines name a counter as its figures do. Help comes before type.
fn as_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let described = line.strip_prefix("# TYPE ").and_then(|of| of.split_once(' '));
        if line.starts_with("# HELP ") {
            help = line;
        } else if let Some((name, kind)) = described {
            let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            let words = help.splitn(4, ' ').nth(3).unwrap_or_default();
            // Writing into a string does not fail.
            let _ = write!(text, "# HELP {name} {words}\n# TYPE {name} {kind}\n");
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

struct Page(Arc<dyn Exhibit>);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let families = self.0.families().into_iter().chain(process::families());
        families.into_iter().try_for_each(|family| put_family(&mut encoder, &family))
    }
}

fn put_family(encoder: &mut DescriptorEncoder<'_>, family: &Family) -> fmt::Result {
    let Family { name, help, values } = family;
    let name: Cow<'_, str> =
        if name.starts_with("process_") { (*name).into() } else { format!("hufu_{name}").into() };
    let kind = match values {
        Values::Counts(_) | Values::SecondsInAll(_) => MetricType::Counter,
        Values::Levels(_) | Values::Seconds(_) => MetricType::Gauge,
        Values::Histograms(_) => MetricType::Histogram,
    };
    let encoder = encoder.encode_descriptor(&name, help, None, kind)?;
    match values {
        Values::Counts(values) => put(encoder, values, |value| ConstCounter::new(*value)),
        Values::SecondsInAll(values) => put(encoder, values, |value| ConstCounter::new(*value)),
        Values::Levels(values) => put(encoder, values, |value| ConstGauge::new(*value)),
        Values::Seconds(values) => put(encoder, values, |value| ConstGauge::new(*value)),
        Values::Histograms(values) => put(encoder, values, Clone::clone),
    }
}

/// Writes the values of one family. A single value without labels stands without braces, as other programs write it.
fn put<N, M: EncodeMetric>(
    mut encoder: MetricEncoder<'_>,
    values: &[(Labels, N)],
    metric: impl Fn(&N) -> M,
) -> fmt::Result {
    match values {
        [(labels, value)] if labels.is_empty() => metric(value).encode(encoder),
        _ => values
            .iter()
            .try_for_each(|(labels, value)| metric(value).encode(encoder.encode_family(&labels.as_slice())?)),
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(self.counts.iter().copied()).collect();
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shelf;

    impl Exhibit for Shelf {
        fn families(&self) -> Vec<Family> {
            let took = Histogram { bounds: &[0.5, 1.0], counts: vec![2, 0, 1], sum: 3.25 };
            vec![
                Family::count("sets", "Sets: all of them", 3),
                Family::seconds("age_seconds", "Age", [(vec![("issuer", "7".to_owned())], 0.5)]),
                Family {
                    name: "took_seconds",
                    help: "Took",
                    values: Values::Histograms(vec![(vec![], took)]),
                },
            ]
        }
    }

    #[test]
    fn a_page_is_written_in_the_format_that_its_reader_asks_for() {
        let exhibit: Arc<dyn Exhibit> = Arc::new(Shelf);
        let begin = |format| {
            page(&exhibit, format).unwrap().split_once("# HELP hufu_build_info").unwrap().0.to_owned()
        };
        let took = "# HELP hufu_age_seconds Age\n# TYPE hufu_age_seconds gauge\n\
            hufu_age_seconds{issuer=\"7\"} 0.5\n\
            # HELP hufu_took_seconds Took\n# TYPE hufu_took_seconds histogram\nhufu_took_seconds_sum 3.25\n\
            hufu_took_seconds_count 3\nhufu_took_seconds_bucket{le=\"0.5\"} 2\n\
            hufu_took_seconds_bucket{le=\"1.0\"} 2\nhufu_took_seconds_bucket{le=\"+Inf\"} 3\n";
        let text =
            "# HELP hufu_sets_total Sets: all of them\n# TYPE hufu_sets_total counter\nhufu_sets_total 3\n";
        let open = "# HELP hufu_sets Sets: all of them\n# TYPE hufu_sets counter\nhufu_sets_total 3\n";
        assert_eq!(begin(Format::Text), format!("{text}{took}"));
        assert_eq!(begin(Format::OpenMetrics), format!("{open}{took}"));
        assert!(page(&exhibit, Format::OpenMetrics).unwrap().ends_with("# EOF\n"));
        assert!(!page(&exhibit, Format::Text).unwrap().contains("# EOF"));

        // What Prometheus 3 and curl send.
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::wanted(prometheus), Format::OpenMetrics);
        assert_eq!(Format::wanted("*/*"), Format::Text);
    }
}
