fn main() {
    guest::serve(vec![bench::exercise()]);
}
