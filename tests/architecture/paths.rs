//! Which modules of this crate a source names: a scan of its tokens, comments and literals left
//! out.
//!
//! It reads `crate::…`, `people_gateway::…` and `super::…` wherever they stand, groups and
//! inline modules included.

/// A module of the crate that is named, and where.
pub(crate) struct Import {
    /// The top module; none where the whole crate is meant.
    pub(crate) module: Option<String>,
    /// From 1.
    pub(crate) line: usize,
}

/// A word, `::`, or one other character.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// All of them in a source that is the module `module` of the crate.
pub(crate) fn imports(source: &str, module: &[String]) -> Vec<Import> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // The module that each open brace began, if it did.
    let mut braces: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = tokens[at].text.as_str();
        let follows = |offset: usize| {
            tokens
                .get(at + offset)
                .map_or("", |token| token.text.as_str())
        };
        match text {
            "{" => {
                let begun = at >= 2 && tokens[at - 2].text == "mod";
                braces.push(begun.then(|| tokens[at - 1].text.clone()));
            }
            "}" => drop(braces.pop()),
            "crate" if follows(1) == "as" => found.push(Import {
                module: None,
                line: tokens[at].line,
            }),
            "crate" | "people_gateway" if follows(1) == "::" => leaves(&tokens, at + 2, &mut found),
            "super" if follows(1) == "::" => {
                let inline = braces.iter().flatten().cloned();
                let mut here: Vec<String> = module.iter().cloned().chain(inline).collect();
                while tokens.get(at).is_some_and(|token| token.text == "super") {
                    here.pop();
                    at += 2;
                }
                match here.first() {
                    Some(top) => found.push(Import {
                        module: Some(top.clone()),
                        line: tokens[at - 1].line,
                    }),
                    None => leaves(&tokens, at, &mut found),
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// What stands after `crate::`: a name, a star, or a group of such.
fn leaves(tokens: &[Token], at: usize, found: &mut Vec<Import>) {
    let Some(token) = tokens.get(at) else { return };
    let import = |token: &Token| {
        let whole = matches!(token.text.as_str(), "*" | "self");
        Import {
            module: (!whole).then(|| token.text.clone()),
            line: token.line,
        }
    };
    if token.text != "{" {
        found.push(import(token));
        return;
    }
    let mut depth = 1;
    let mut begins = true;
    for token in &tokens[at + 1..] {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => begins = true,
            _ if begins => {
                found.push(import(token));
                begins = false;
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// The tokens of a source, without comments, strings, characters and lifetimes.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            tokens.push(Token {
                text: rest[..length].to_owned(),
                line,
            });
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the white space, comment, literal or lifetime that `rest` begins with.
fn skipped(rest: &str) -> Option<usize> {
    if rest.starts_with(char::is_whitespace) {
        return rest.find(|c: char| !c.is_whitespace()).or(Some(rest.len()));
    }
    if rest.starts_with("//") {
        return rest.find('\n').or(Some(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    let prefix = rest
        .find(|c: char| !matches!(c, 'b' | 'c' | 'r'))
        .unwrap_or(rest.len());
    let after = &rest[prefix..];
    if prefix <= 2 && rest[..prefix].contains('r') {
        let hashes = after.find(|c| c != '#').unwrap_or(after.len());
        if after[hashes..].starts_with('"') {
            let end = format!("\"{}", &after[..hashes]);
            let body = prefix + hashes + 1;
            return Some(
                rest[body..]
                    .find(&end)
                    .map_or(rest.len(), |at| body + at + end.len()),
            );
        }
    }
    if prefix <= 1 && after.starts_with('"') {
        return Some(prefix + quoted(after, '"'));
    }
    if prefix <= 1 && after.starts_with('\'') {
        let mut inside = after[1..].chars();
        let first = inside.next()?;
        let is_literal = first == '\\' || inside.next() == Some('\'');
        let lifetime = || {
            1 + after[1..]
                .find(|c: char| !is_word(c))
                .unwrap_or(after.len() - 1)
        };
        return Some(
            prefix
                + if is_literal {
                    quoted(after, '\'')
                } else {
                    lifetime()
                },
        );
    }
    None
}

/// The length of a literal that begins and ends with `quote`.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}
