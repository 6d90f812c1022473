/// What a file brings in from others, told by its lines: cheap, for choosing which files are worth
/// a parse. What an import binds is read from the syntax tree (flow/imports.cpp).
///
/// Thread: any; pure functions.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "audit/model.hpp"
#include "audit/text/matcher.hpp"

namespace segue::audit {

/// What other files call one by: "llm" for app/llm.py, app/llm/index.ts and llm/__init__.py.
std::string module_name(std::string_view path);
/// Every name on the lines that bring modules in, in lower case. Where classes of one package see
/// each other without an import: every name of the file.
std::set<std::string, std::less<>> imported_names(const ParsedFile& file);

/// A grammar reads it, so that values can be followed into a file that imports them.
bool can_import_values(Language language);

/// Asked of many files: whether one of these modules (lower case, more than two letters) is among
/// their imported_names().
class Importers {
public:
    explicit Importers(const std::vector<std::string>& modules);
    bool name_one(std::string_view text, Language language) const;

private:
    std::set<std::string, std::less<>> modules_;
    Matcher scanner_;
};

/// The modules themselves, as written: "./llm", "@/llm", "app.llm", ".". Of Python also what may be
/// a module of a package: "app.llm" for `from app import llm`. Nothing for languages whose imports
/// name no file.
std::optional<std::vector<std::string>> imported_modules(const ParsedFile& file);

}  // namespace segue::audit
