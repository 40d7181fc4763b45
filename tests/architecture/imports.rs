//! What a source names of its own crate: a scan of its tokens, so comments and literals are left
//! out. It reads `crate::…`, `super::…`, `self::…` and the names of child modules wherever they
//! stand, groups and inline modules included.

use std::collections::BTreeSet;
use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// Something of the crate that is named, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The path from the crate's root; empty where the whole crate is named.
    pub(crate) path: Vec<String>,
    /// From 1.
    pub(crate) line: usize,
    /// Whether it is passed on by `pub use`.
    pub(crate) is_public: bool,
    /// Whether only tests see it.
    pub(crate) is_test: bool,
}

/// All of them in a source that is the module `module` of the crate.
pub(crate) fn imports(source: &str, module: &[String]) -> Vec<Import> {
    let tokens: TokenStream = source.parse().expect("sources are Rust");
    let mut scan = Scan {
        children: children(tokens.clone()),
        module: module.to_vec(),
        is_test: false,
        found: Vec::new(),
    };
    scan.walk(tokens);
    scan.found
}

/// The tokens of a source as words, each with its line; groups are opened up.
pub(crate) fn words(source: &str) -> Vec<(String, usize)> {
    fn collect(tokens: TokenStream, into: &mut Vec<(String, usize)>) {
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    into.push((open.to_owned(), line));
                    collect(group.stream(), into);
                    into.push((close.to_owned(), group.span_close().start().line));
                }
                TokenTree::Literal(_) => {}
                other => into.push((other.to_string(), line)),
            }
        }
    }
    let mut found = Vec::new();
    collect(source.parse().expect("sources are Rust"), &mut found);
    found
}

/// The modules that a file declares at its top.
fn children(tokens: TokenStream) -> BTreeSet<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens
        .windows(2)
        .filter(|pair| pair[0].to_string() == "mod")
        .map(|pair| pair[1].to_string())
        .collect()
}

struct Scan {
    children: BTreeSet<String>,
    /// The module that is being walked, inline modules included.
    module: Vec<String>,
    is_test: bool,
    found: Vec<Import>,
}

impl Scan {
    fn walk(&mut self, tokens: TokenStream) {
        let mut rest = tokens.into_iter().peekable();
        let (outer, mut is_public) = (self.is_test, false);
        while let Some(token) = rest.next() {
            // An item ends at `;` or with its body.
            let ends_item = match token {
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "pub" => {
                        is_public = true;
                        skip_restriction(&mut rest);
                        false
                    }
                    "mod" => self.inline_module(&mut rest),
                    "use" => {
                        self.use_tree(&mut rest, is_public);
                        true
                    }
                    first => {
                        self.path(first, word.span().start().line, &mut rest);
                        false
                    }
                },
                TokenTree::Group(group) if is_cfg_test(&group) => {
                    self.is_test = true;
                    false
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream());
                    group.delimiter() == Delimiter::Brace
                }
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Literal(_) => false,
            };
            if ends_item {
                (self.is_test, is_public) = (outer, false);
            }
        }
        self.is_test = outer;
    }

    /// Walks the body of a module; false where it is in another file.
    fn inline_module(&mut self, rest: &mut Peekable<IntoIter>) -> bool {
        let Some(TokenTree::Ident(name)) = rest.next() else {
            return false;
        };
        let body = rest.next_if(|token| matches!(token, TokenTree::Group(_)));
        let Some(TokenTree::Group(body)) = body else {
            return false;
        };
        self.module.push(name.to_string());
        self.walk(body.stream());
        self.module.pop();
        true
    }

    /// What stands between `use` and `;`.
    fn use_tree(&mut self, rest: &mut Peekable<IntoIter>, is_public: bool) {
        let tree: TokenStream = rest
            .by_ref()
            .take_while(|token| !matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';'))
            .collect();
        for (path, line) in leaves(tree, &[]) {
            let first = path.first().map_or("", String::as_str);
            self.push(first, path.get(1..).unwrap_or_default(), line, is_public);
        }
    }

    /// A path in code that begins with this word.
    fn path(&mut self, first: &str, line: usize, rest: &mut Peekable<IntoIter>) {
        let mut path = Vec::new();
        let is_renamed = matches!(rest.peek(), Some(TokenTree::Ident(next)) if next == "as");
        let mut goes_on = next_is_path(rest);
        if !(goes_on || first == "crate" && is_renamed) {
            return;
        }
        while goes_on {
            let Some(TokenTree::Ident(word)) = rest.peek() else {
                break;
            };
            path.push(word.to_string());
            rest.next();
            goes_on = next_is_path(rest);
        }
        self.push(first, &path, line, false);
    }

    fn push(&mut self, first: &str, rest: &[String], line: usize, is_public: bool) {
        if let Some(path) = self.resolve(first, rest) {
            self.found.push(Import {
                path,
                line,
                is_public,
                is_test: self.is_test,
            });
        }
    }

    /// The path from the crate's root; none where it leads out of the crate.
    fn resolve(&self, first: &str, rest: &[String]) -> Option<Vec<String>> {
        let mut base = match first {
            "crate" | "people_gateway" => Vec::new(),
            "self" => self.module.clone(),
            "super" => {
                let mut base = self.module.clone();
                base.pop();
                base
            }
            child if self.children.contains(child) => {
                let mut base = self.module.clone();
                base.push(child.to_owned());
                base
            }
            _ => return None,
        };
        let supers = rest.iter().take_while(|word| *word == "super").count();
        base.truncate(base.len().saturating_sub(supers));
        base.extend_from_slice(&rest[supers..]);
        base.retain(|word| word != "*" && word != "self");
        Some(base)
    }
}

/// Takes `::`, if it is next.
fn next_is_path(rest: &mut Peekable<IntoIter>) -> bool {
    let is_joint_colon = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ':' && punct.spacing() == Spacing::Joint,
        _ => false,
    };
    let is_path = rest.next_if(is_joint_colon).is_some();
    if is_path {
        rest.next();
    }
    is_path
}

/// Takes the parentheses of `pub(…)`.
fn skip_restriction(rest: &mut Peekable<IntoIter>) {
    rest.next_if(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        _ => false,
    });
}

/// Whether this is what stands behind the `#` of `#[cfg(test)]`.
fn is_cfg_test(group: &Group) -> bool {
    let text = group.stream().to_string();
    group.delimiter() == Delimiter::Bracket
        && text.starts_with("cfg")
        && text.contains("test")
        && !text.contains("not")
}

/// The paths of a use tree, each with its line.
fn leaves(tree: TokenStream, prefix: &[String]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut path = prefix.to_vec();
    let (mut line, mut renames, mut is_open) = (0, false, false);
    for token in tree {
        match token {
            TokenTree::Ident(word) if renames => {
                drop(word);
                renames = false;
            }
            TokenTree::Ident(word) if word == "as" => renames = true,
            TokenTree::Ident(word) => {
                line = word.span().start().line;
                path.push(word.to_string());
                is_open = true;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                line = punct.span().start().line;
                path.push("*".to_owned());
                is_open = true;
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if std::mem::take(&mut is_open) {
                    found.push((path, line));
                }
                path = prefix.to_vec();
            }
            TokenTree::Group(group) => {
                found.extend(leaves(group.stream(), &path));
                is_open = false;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    if is_open {
        found.push((path, line));
    }
    found
}
