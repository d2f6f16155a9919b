//! The link: how far away and how narrow the service is made to seem.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vospace_server::shaping::Shape;

/// Bytes a second of one connection, unless the link is said to be unshaped.
const CONNECTION_RATE: u64 = 25_000_000;

/// Bytes a second of all connections.
const TOTAL_RATE: u64 = 200_000_000;

/// A link, named by its latency: `20ms`; `unshaped` is the loopback as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Link {
    /// Milliseconds added to each request; nothing for no shaping at all.
    latency: Option<u64>,
}

impl Link {
    /// The link for which the targets are set.
    pub(crate) const MAIN: Link = Link { latency: Some(20) };

    /// The loopback as it is.
    pub(crate) const UNSHAPED: Link = Link { latency: None };

    /// How the service is to seem.
    pub(crate) fn shape(self) -> Shape {
        let Some(milliseconds) = self.latency else { return Shape::default() };
        Shape {
            latency: Duration::from_millis(milliseconds),
            connection_rate: Some(CONNECTION_RATE),
            total_rate: Some(TOTAL_RATE),
        }
    }

    /// Its place among others: that of the targets first, then the nearer ones.
    pub(crate) fn place(self) -> (bool, u64) {
        (self != Link::MAIN, self.latency.unwrap_or(u64::MAX))
    }

    /// Options that give a service this link.
    pub(crate) fn options(self) -> Vec<String> {
        let shape = self.shape();
        let mut options = vec![format!("--latency={}ms", shape.latency.as_millis())];
        options.extend(shape.connection_rate.map(|rate| format!("--connection-rate={rate}B/s")));
        options.extend(shape.total_rate.map(|rate| format!("--total-rate={rate}B/s")));
        options
    }

    /// Seconds added to each request.
    pub(crate) fn latency(self) -> f64 {
        self.shape().latency.as_secs_f64()
    }

    /// 10⁶ bytes a second of all connections.
    pub(crate) fn total_rate(self) -> Option<f64> {
        Some(self.shape().total_rate? as f64 / 1e6)
    }

    /// 10⁶ bytes a second of one connection.
    pub(crate) fn connection_rate(self) -> Option<f64> {
        Some(self.shape().connection_rate? as f64 / 1e6)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.latency {
            Some(milliseconds) => write!(f, "{milliseconds}ms"),
            None => f.write_str("unshaped"),
        }
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.to_string()
    }
}

impl TryFrom<String> for Link {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unshaped" {
            return Ok(Link::UNSHAPED);
        }
        let number = text.strip_suffix("ms").and_then(|number| number.trim().parse().ok());
        number.map(|number| Link { latency: Some(number) }).ok_or_else(|| "expected 20ms or unshaped".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_they_are_written() {
        for text in ["0ms", "20ms", "80ms", "unshaped"] {
            assert_eq!(text.parse::<Link>().unwrap().to_string(), text);
        }
        assert!("20".parse::<Link>().is_err());
        assert_eq!(Link::MAIN.to_string(), "20ms");
        assert_eq!(Link::MAIN.options()[1], "--connection-rate=25000000B/s");
    }
}
