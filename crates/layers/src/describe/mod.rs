//! Networks written down as JSON.
