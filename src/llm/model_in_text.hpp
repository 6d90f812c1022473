/// The engine's name of a model in a text that a client will read: it becomes the name that the
/// client asked for. A pure function.
#pragma once

#include <string>
#include <string_view>

namespace segue::llm {

/// `text` with `served` replaced wherever it stands as a word of its own: not inside a path or a
/// longer name. Nothing is replaced when one of the names is empty.
std::string with_client_model(std::string_view text, std::string_view served,
                              std::string_view client);

}  // namespace segue::llm
