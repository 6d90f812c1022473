/// The part of Go's text/template that the templates of Ollama models use, so that a generate
/// request's own `template` can be rendered for engines that take no template from requests
/// (wire 1.6, 3.3). Anything outside it is refused, never guessed.
///
/// Known: text, comments, trim markers, if / else if / else / with / range / end, variables,
/// parentheses; functions eq ne and or not len slice; the fields of TemplateData and of its
/// messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llm/failure.hpp"

namespace segue::llm {

struct TemplateMessage {
    std::string role;
    std::string content;
};

struct TemplateData {
    std::string system = {};
    std::string prompt = {};
    std::string response = {};
    std::string suffix = {};
    std::vector<TemplateMessage> messages = {};
    bool think = false;
    std::string think_level = {};
    bool think_set = false;
};

/// As Ollama does, everything behind the first `.Response` is cut, unless the template goes over
/// `.Messages` or a suffix is given: generation begins there.
Outcome<std::string> render_go_template(std::string_view source, const TemplateData& data);

}  // namespace segue::llm
