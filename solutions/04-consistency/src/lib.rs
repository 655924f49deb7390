//! Chapter 4: consistency models. One module an exercise; README.md has the reading.

pub mod abd;
