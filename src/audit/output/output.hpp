/// The report in the forms that people and programs read. Pure: a report in, text out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "audit/audit.hpp"
#include "base/json.hpp"

namespace segue::audit {

enum class Colour : bool { kNo, kYes };
enum class ShowAll : bool { kNo, kYes };  // notes too

/// Schema "segue-audit/1" (docs/audit.schema.json).
std::string to_json(const Report& report);
/// SARIF 2.1.0.
std::string to_sarif(const Report& report);
/// One self-contained page.
std::string to_html(const Report& report);
/// For an issue.
std::string to_markdown(const Report& report);
/// GitHub workflow commands: ::error file=...::
std::string to_github(const Report& report);
/// Grouped by what to do.
std::string to_text(const Report& report, Colour colour, ShowAll all);
std::string stats_text(const Report& report);
/// What `segue audit --explain` prints; for all rules when `name` is empty.
std::string explain(std::string_view name);

/// Parts that the report and the proof have in common. An object of counts; the count of each
/// level; and, as members of the object that is open, "not_read" and "suppressions".
void write_counts(json::Writer& w, const std::map<std::string, std::size_t>& counts);
void write_levels(json::Writer& w, const Report& report);
void write_exceptions(json::Writer& w, const Report& report);

/// "top folder" of a path, for summaries.
std::string folder_of(std::string_view path);
std::string xml_escaped(std::string_view text);

}  // namespace segue::audit
