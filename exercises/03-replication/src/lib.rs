//! Chapter 3: replication. One module an exercise; README.md has the reading.
