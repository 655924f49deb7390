//! Sets of numbers, counted: what is done in every possible way is done once for each.

/// The `nth` of all sets of `size` numbers below `below`.
pub fn subset(below: u32, size: u32, mut nth: u32) -> Vec<u32> {
    let mut chosen = Vec::new();
    for number in 0..below {
        let left = size - chosen.len() as u32;
        if left == 0 {
            break;
        }
        // so many sets go on with this number
        let with = choose(below - number - 1, left - 1);
        if nth < with {
            chosen.push(number);
        } else {
            nth -= with;
        }
    }
    chosen
}

/// How many sets of `k` numbers below `n` there are.
pub const fn choose(n: u32, k: u32) -> u32 {
    let (mut ways, mut place) = (1, 0);
    while place < k {
        ways = ways * (n - place) / (place + 1);
        place += 1;
    }
    ways
}
