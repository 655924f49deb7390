//! The files of a crate need one another one way: no circle of modules. What a folder is about its files may know.

use crate::root;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module by its names, from the root of its crate.
type Module = Vec<String>;

/// A kit tries its compiler out before it is one, and the compiler is given a kit.
const KNOWN: [&str; 1] = ["harness/build: compiler, kit"];

#[test]
fn no_modules_need_each_other() {
    let crates = std::fs::read_dir(root().join("harness")).expect("a folder");
    let mut all: Vec<_> = crates.map(|entry| entry.expect("an entry").path()).collect();
    all.push(root().join("tests/kit"));
    all.sort();
    let mut found = Vec::new();
    for folder in all {
        let name = folder.strip_prefix(root()).expect("in the checkout").display().to_string();
        found.extend(
            circles(&modules(&folder.join("src"))).into_iter().map(|circle| format!("{name}: {circle}")),
        );
    }
    assert_eq!(found, KNOWN, "move what both need to a module of its own");
}

#[test]
fn circles_are_found_however_a_module_is_named() {
    let of = |files: &[(&str, &str)]| {
        let parse = |text: &str| text.parse::<TokenStream>().expect("tokens");
        let path = |name: &str| name.split("::").map(str::to_owned).collect::<Module>();
        circles(&files.iter().map(|(name, text)| (path(name), parse(text))).collect())
    };
    let a_circle = [("a", "use crate::b::{c::D, e};"), ("b", "fn f() { println!(\"{}\", crate::a::g()); }")];
    assert_eq!(of(&a_circle), ["a, b"]);
    let by_way_of_others = [("a", "use crate::{b, x};"), ("b", "use super::c;"), ("c", "use crate::a::Y;")];
    assert_eq!(of(&by_way_of_others), ["a, b, c"]);
    let in_a_folder =
        [("a::b", "use super::c::D;"), ("a::c", "use crate::a::b::E;"), ("a", "use self::b::E;")];
    assert_eq!(of(&in_a_folder), ["a::b, a::c"]);
    let none = [
        ("a", "mod b; use self::b::C; #[cfg(test)] mod tests { use crate::z::Z; }"),
        ("a::b", "use super::D; /// see crate::z\nuse crate::y;"),
        ("y", "fn f() { let a = \"crate::a\"; }"),
        ("z", "use crate::a::D;"),
    ];
    assert_eq!(of(&none), [""; 0]);
}

/// The modules of a crate that have a file, but for its root.
fn modules(src: &Path) -> BTreeMap<Module, TokenStream> {
    fn add(folder: &Path, path: &Module, found: &mut BTreeMap<Module, TokenStream>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for file in entries.map(|entry| entry.expect("an entry").path()) {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            let below = || path.iter().cloned().chain([name.clone()]).collect::<Module>();
            if file.is_dir() {
                add(&file, &below(), found);
            } else if file.extension().is_some_and(|extension| extension == "rs") {
                let module = if name == "mod" { path.clone() } else { below() };
                let is_root = path.is_empty() && (name == "lib" || name == "main");
                let text = std::fs::read_to_string(&file).expect("a source file");
                let tokens = text.parse().unwrap_or_else(|wrong| panic!("{}: {wrong}", file.display()));
                if !is_root {
                    found.insert(module, tokens);
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    add(src, &Vec::new(), &mut found);
    found
}

/// Modules beside each other that need each other, by way of others or not.
fn circles(modules: &BTreeMap<Module, TokenStream>) -> Vec<String> {
    let mut needs: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, tokens) in modules {
        let mut named = BTreeSet::new();
        names(tokens.clone(), module, &mut named);
        for path in named {
            let is_module = |many: &usize| modules.contains_key(&path[..*many]);
            let Some(many) = (1..=path.len()).rev().find(is_module) else { continue };
            let same = module.iter().zip(&path[..many]).take_while(|(a, b)| a == b).count();
            // a file and the folder that it is in are one subject
            if same < module.len() && same < many {
                needs.entry(module[..=same].to_vec()).or_default().insert(path[..=same].to_vec());
            }
        }
    }
    let reaches = |from: &Module| {
        let (mut reached, mut pending) = (BTreeSet::new(), vec![from]);
        while let Some(next) = pending.pop() {
            pending.extend(
                needs.get(next).into_iter().flatten().filter(|other| reached.insert((*other).clone())),
            );
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        needs.keys().map(|module| (module, reaches(module))).collect();
    let circles: BTreeSet<Vec<String>> = reached
        .iter()
        .filter(|(module, others)| others.contains(**module))
        .map(|(module, others)| {
            let back = |other: &&Module| reached.get(other).is_some_and(|from| from.contains(*module));
            others.iter().filter(back).map(|other| other.join("::")).collect()
        })
        .collect();
    circles.into_iter().map(|circle| circle.join(", ")).collect()
}

/// The paths that begin with `crate`, `self` or `super`; tests aside, and what stands in comments and strings.
fn names(tokens: TokenStream, module: &Module, found: &mut BTreeSet<Module>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(first) if is_path(&tokens[at + 1..]) => match first.to_string().as_str() {
                "crate" => paths(&tokens[at + 1..], Vec::new(), found),
                "self" => paths(&tokens[at + 1..], module.clone(), found),
                "super" => paths(&tokens[at + 1..], module[..module.len() - 1].to_vec(), found),
                _ => {}
            },
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Bracket && group.stream().to_string() == "cfg (test)" =>
            {
                // what it is about ends with the next block
                while !matches!(&tokens[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
                {
                    at += 1;
                }
            }
            TokenTree::Group(group) => names(group.stream(), module, found),
            _ => {}
        }
        at += 1;
    }
}
fn is_path(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    matches!(tokens, [a, b, ..] if is_colon(a) && is_colon(b))
}
/// The paths that go on with these tokens, which begin with `::`.
fn paths(tokens: &[TokenTree], mut path: Module, found: &mut BTreeSet<Module>) {
    let Some(next) = tokens.get(2).filter(|_| is_path(tokens)) else {
        found.insert(path);
        return;
    };
    match next {
        TokenTree::Ident(name) if name == "super" => {
            path.pop();
            paths(&tokens[3..], path, found);
        }
        TokenTree::Ident(name) => {
            path.push(name.to_string());
            paths(&tokens[3..], path, found);
        }
        TokenTree::Group(group) => {
            let all: Vec<TokenTree> = group.stream().into_iter().collect();
            let is_comma =
                |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
            for one in all.split(is_comma) {
                if let Some(TokenTree::Ident(name)) = one.first() {
                    let below = path.iter().cloned().chain([name.to_string()]).collect();
                    paths(&one[1..], below, found);
                }
            }
        }
        _ => _ = found.insert(path),
    }
}
