#include "audit/flow/reach.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "audit/flow/pass.hpp"
#include "audit/judge.hpp"
#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

/// Whose imports can be told from the text.
bool is_script(Language language) {
    return language == Language::kJavaScript || language == Language::kTypeScript ||
           language == Language::kTsx;
}

/// Calls `each` with what stands in front of a text between two quotes of a kind on one line, and
/// with the text, until it answers true. Every quote may be the first one: comments and patterns
/// hold single ones.
template <class Each>
bool any_quoted(std::string_view text, const Each& each) {
    constexpr std::size_t kLongest = 256;
    for (std::size_t at = 0; (at = text.find_first_of("'\"`", at)) != std::string_view::npos;
         ++at) {
        const auto rest = text.substr(at + 1, kLongest);
        const auto end = rest.find_first_of("'\"`\n");
        if (end != std::string_view::npos && end > 0 && rest[end] == text[at] &&
            each(text.substr(0, at), rest.substr(0, end)))
            return true;
    }
    return false;
}

/// `from './llm'`, `import './llm'`, `require("./llm")`, `import(/* so */ './llm')`: what stands in
/// front of a module's name.
bool names_module(std::string_view before) {
    constexpr std::string_view kSpaces = " \t\r\n";
    const auto cut = [&] {
        const auto last = before.find_last_not_of(kSpaces);
        before = before.substr(0, last == std::string_view::npos ? 0 : last + 1);
    };
    const auto whole = before;
    cut();
    // A comment may stand between: one of a line is taken for whatever is wanted.
    if (whole.substr(before.size()).find('\n') != std::string_view::npos &&
        before.substr(before.rfind('\n') + 1).find("//") != std::string_view::npos)
        return true;
    while (before.ends_with("*/")) {
        before = before.substr(0, std::min(before.rfind("/*"), before.size() - 2));
        cut();
    }
    if (!before.ends_with('(')) return before.ends_with("from") || before.ends_with("import");
    while (before.ends_with('(') || before.ends_with("?.")) {
        before.remove_suffix(before.ends_with('(') ? 1 : 2);
        cut();
    }
    return before.ends_with("require") || before.ends_with("import") ||
           before.ends_with("import_module") || before.ends_with("__import__");
}

/// JSX shows what stands between tags, which only a grammar can tell from a string.
bool may_be_shown(std::string_view script, const Token& token) {
    const auto before = script.find_last_of("<>{}", token.begin);
    const auto after = script.find_first_of("<>{}", token.end);
    return before != std::string_view::npos && after != std::string_view::npos &&
           (script[before] == '>' || script[before] == '}') &&
           (script[after] == '<' || script[after] == '{');
}

/// A path, a tag or a name that others use too begins nothing by itself.
bool is_sign(const Token& token) {
    switch (token.type) {
        case TokenType::kWord:
        case TokenType::kPort:
        case TokenType::kOption:
        case TokenType::kReplyField:
        case TokenType::kLearned:
        case TokenType::kFlow: return true;
        case TokenType::kPath:
        case TokenType::kSharedOption:
        case TokenType::kTag:
        case TokenType::kFamily:
        case TokenType::kLink: return false;
    }
    return true;
}

/// Said in a comment of Python. A docstring may be a text that the program uses, all the same.
bool is_remark(const ParsedFile& file, const Token& token) {
    if (token.type != TokenType::kWord && token.type != TokenType::kPort) return false;
    const auto& segment = file.segments.list[token.segment];
    const auto text = file.source.text().substr(segment.begin, segment.end - segment.begin);
    return segment.region == Region::kComment &&
           (text.starts_with('#') || traits_of_text(text) == 0);
}

bool is_word_char(char c) {
    return is_name_char(c) && c != '-';
}

/// The modules of `import a.b as c, d` and `from .a import (b, c as d)`, over any number of lines,
/// wherever the words stand. Of the second form also what may be a module of the package: ".a.b".
template <class Each>
void python_imports(std::string_view text, const Each& each) {
    constexpr std::string_view kImport = "import";
    constexpr std::string_view kSpaces = " \t\r\n\\";
    for (std::size_t at = 0; (at = text.find(kImport, at)) != std::string_view::npos;) {
        const auto begin = std::exchange(at, at + kImport.size());
        if ((begin > 0 && is_word_char(text[begin - 1])) ||
            (at < text.size() && is_word_char(text[at])))
            continue;
        // What stands before it: `from`, and a module.
        auto module = trim(text.substr(0, begin));
        while (!module.empty() && kSpaces.find(module.back()) != std::string_view::npos)
            module.remove_suffix(1);
        auto start = module.size();
        while (start > 0 && (is_word_char(module[start - 1]) || module[start - 1] == '.'))
            --start;
        const auto before = trim(module.substr(0, start));
        module.remove_prefix(start);
        const bool from = before.ends_with("from") || module.starts_with('.');
        std::string prefix;
        if (from) {
            each(module);
            prefix = std::string(module) + (module.ends_with('.') ? "" : ".");
        }
        const auto open = text.find_first_not_of(" \t", at);
        if (open == std::string_view::npos) return;
        const bool bracket = text[open] == '(';
        auto end = open;
        while (end < text.size() && text[end] != (bracket ? ')' : '\n'))
            end += text[end] == '\\' && !bracket ? 2 : 1;
        end = std::min(end, text.size());
        // Each name of the list, `as` and what follows it, too: too many is no harm.
        for (std::size_t name = open; name < end;) {
            auto stop = name;
            while (stop < end && (is_word_char(text[stop]) || text[stop] == '.'))
                ++stop;
            if (stop > name) each(prefix + std::string(text.substr(name, stop - name)));
            name = std::max(stop, name + 1);
        }
    }
}

}  // namespace

bool begins_flow(const FlowFile& file, const Model& model) {
    const auto& parsed = *file.parsed;
    const std::string_view script = *file.script;
    const bool python = file.language == Language::kPython;
    if (parsed.follow == Follow::kAll || file.speaks || !file.origin.empty() ||
        !(python || is_script(file.language)))
        return true;
    // In Python it is easy to tell what is a comment.
    if (std::any_of(parsed.tokens.begin(), parsed.tokens.end(), [&](const Token& token) {
            return python ? is_sign(token) && !is_remark(parsed, token)
                          : is_sign(token) || may_be_shown(script, token);
        }))
        return true;
    if (!python &&
        (has_letters(parsed.source.text()) || script.find("11434") != std::string_view::npos))
        return true;
    for (const auto& [name, what] : model.learned)
        if (script.find(name) != std::string_view::npos) return true;
    return any_quoted(script, [](std::string_view, std::string_view text) {
        return (traits_of_text(text) & trait::kTag) != 0;
    });
}

std::vector<std::size_t> may_import(const World& world, std::size_t file) {
    std::vector<std::size_t> out;
    const std::string_view script = *world.files[file].script;
    const auto want = [&](std::string_view module) {
        if (!world.modules.may_mean(module)) return;
        if (const auto meant = world.resolve(module, file); meant && *meant != file)
            out.push_back(*meant);
    };
    const bool python = world.files[file].language == Language::kPython;
    if (python) python_imports(script, want);
    // import_module("app.llm") and __import__("app.llm") of Python are quoted, too.
    if (!python || script.find("import_") != std::string_view::npos)
        any_quoted(script, [&](std::string_view before, std::string_view module) {
            if (names_module(before)) want(module);
            return false;
        });
    return out;
}

std::vector<std::size_t> Reach::more() {
    const auto& files = world_.files;
    std::vector<std::size_t> out;
    const auto old = reached_.size();
    reached_.resize(files.size(), 0);
    in_parallel(files.size() - old, threads_, [&](std::size_t i) {
        reached_[old + i] = begins_flow(files[old + i], world_.model) ? 1 : 0;
    });
    for (auto i = old; i < files.size(); ++i)
        if (reached_[i] != 0) out.push_back(i);
    if (std::find(reached_.begin(), reached_.end(), 0) == reached_.end()) return out;
    std::vector<std::vector<std::size_t>> imports(files.size());
    in_parallel(files.size(), threads_, [&](std::size_t i) { imports[i] = may_import(world_, i); });
    auto beside = imports;  // either may hand something to the other
    for (std::size_t i = 0; i < files.size(); ++i)
        for (const auto other : imports[i])
            beside[other].push_back(i);
    std::vector<std::size_t> ask;
    for (std::size_t i = 0; i < files.size(); ++i)
        if (reached_[i] != 0) ask.push_back(i);
    while (!ask.empty()) {
        const auto file = ask.back();
        ask.pop_back();
        for (const auto other : beside[file])
            if (std::exchange(reached_[other], 1) == 0) {
                out.push_back(other);
                ask.push_back(other);
            }
    }
    return out;
}

}  // namespace segue::audit
