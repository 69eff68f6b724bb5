//! Metric families, one after the other, as Prometheus reads them.

use core::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::exhibit::{Family, Labels, Values};

/// The page being written.
pub(super) struct Page<'e>(DescriptorEncoder<'e>);

impl<'e> Page<'e> {
    /// A page that goes into `encoder`.
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Page<'e> {
        Page(encoder)
    }
}

impl Page<'_> {
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: i64) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    pub(super) fn counters<L: AsRef<str>, N>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, N)>,
    ) -> fmt::Result
    where
        ConstCounter<N>: EncodeMetric,
    {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value_of, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&[(label, value_of.as_ref())])?)?;
        }
        Ok(())
    }

    pub(super) fn gauges<L: AsRef<str>, N>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, N)>,
    ) -> fmt::Result
    where
        ConstGauge<N>: EncodeMetric,
    {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (value_of, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&[(label, value_of.as_ref())])?)?;
        }
        Ok(())
    }

    /// A family of another part of the engine.
    pub(super) fn family(&mut self, family: &Family) -> fmt::Result {
        let Family { name, help, values } = family;
        let kind = match values {
            Values::Counts(_) => MetricType::Counter,
            Values::Levels(_) | Values::Seconds(_) => MetricType::Gauge,
        };
        let encoder = self.0.encode_descriptor(name, help, None, kind)?;
        match values {
            Values::Counts(values) => put(encoder, values, ConstCounter::new),
            Values::Levels(values) => put(encoder, values, ConstGauge::new),
            Values::Seconds(values) => put(encoder, values, ConstGauge::new),
        }
    }
}

/// Writes the values of one family. A single value without labels stands without braces, as other programs write it.
fn put<N: Copy, M: EncodeMetric>(
    mut encoder: MetricEncoder<'_>,
    values: &[(Labels, N)],
    metric: impl Fn(N) -> M,
) -> fmt::Result {
    match values {
        [(labels, value)] if labels.is_empty() => metric(*value).encode(encoder),
        _ => values.iter().try_for_each(|(labels, value)| {
            metric(*value).encode(encoder.encode_family(&labels.as_slice())?)
        }),
    }
}

/// Everything that `collector` shows, as OpenMetrics text.
pub(super) fn encoded(collector: impl Collector + 'static) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("hufu");
    registry.register_collector(Box::new(collector));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
