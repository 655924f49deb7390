//! The guest of the ping workload.

fn main() {
    guest::serve(vec![bench::ping::exercise()]);
}
