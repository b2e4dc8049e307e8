//! What the tests share: data, textbook densities, and the laws that every fit obeys.

pub mod along;
pub mod data;
pub mod dense;
pub mod density;
pub mod enumerate;
pub mod factors;
pub mod joined;
pub mod law;
pub mod series;
pub mod stored;
pub mod textbook;
