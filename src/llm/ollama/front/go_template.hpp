/// A small subset of Go's text/template, for generate's `template` field (wire 3.3): text, `{{
/// .Name }}`, if / else if / else / end over the same names, comments and the trim markers.
/// Anything else is not rendered at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace segue::llm {

using TemplateVariables = std::vector<std::pair<std::string_view, std::string_view>>;

/// Nothing when the template uses something outside the subset. What follows `{{ .Response }}` is
/// left out: there the model's answer begins.
std::optional<std::string> render_go_template(std::string_view text,
                                              const TemplateVariables& variables);

}  // namespace segue::llm
