//! The functions of a file: where each begins and ends.

use std::ops::Range;
use syn::spanned::Spanned;
use syn::{Attribute, Block, Ident, ImplItem, Item, ReturnType, Signature, Type};

/// A function with a body.
pub(crate) struct Function<'a> {
    /// With its type: `Clock::tick`.
    pub(crate) name: String,
    pub(crate) block: &'a Block,
    /// Whether it returns nothing.
    pub(crate) is_unit: bool,
    /// Whether it can be run while the program is compiled, and so depend on nothing.
    pub(crate) is_const: bool,
}

/// The functions of a file in order, without those of tests, and without what only formats values.
pub(crate) fn functions(file: &syn::File) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    items(&file.items, &mut found);
    found
}

fn items<'a>(all: &'a [Item], found: &mut Vec<Function<'a>>) {
    for item in all {
        match item {
            Item::Fn(function) if !is_test(&function.attrs) => {
                found.push(of(None, &function.sig, &function.block));
            }
            Item::Impl(of_type) if !is_test(&of_type.attrs) && !formats(of_type) => {
                let owner = type_name(&of_type.self_ty);
                for item in &of_type.items {
                    if let ImplItem::Fn(function) = item
                        && !is_test(&function.attrs)
                    {
                        found.push(of(owner, &function.sig, &function.block));
                    }
                }
            }
            Item::Mod(module) if !is_test(&module.attrs) => {
                if let Some((_, content)) = &module.content {
                    items(content, found);
                }
            }
            _ => {}
        }
    }
}

fn of<'a>(owner: Option<&Ident>, signature: &Signature, block: &'a Block) -> Function<'a> {
    let name =
        owner.map_or_else(|| signature.ident.to_string(), |owner| format!("{owner}::{}", signature.ident));
    let is_unit = match &signature.output {
        ReturnType::Default => true,
        ReturnType::Type(_, of) => matches!(&**of, Type::Tuple(tuple) if tuple.elems.is_empty()),
    };
    Function { name, block, is_unit, is_const: signature.constness.is_some() }
}

fn type_name(of: &Type) -> Option<&Ident> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let tests = || attribute.parse_args::<Ident>().is_ok_and(|word| word == "test");
        path.is_ident("test") || (path.is_ident("cfg") && tests())
    })
}

/// Whether this is an `impl` of `Debug` or `Display`.
fn formats(of_type: &syn::ItemImpl) -> bool {
    let last = of_type.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    last.is_some_and(|segment| segment.ident == "Debug" || segment.ident == "Display")
}

/// The bytes of something.
pub(crate) fn bytes(of: &impl Spanned) -> Range<usize> {
    of.span().byte_range()
}
