/// `llama3.1:8b@handbook`: a model's name with a collection of documents behind it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace segue::llm {

struct CollectionName {
    std::string model;
    std::string collection;
};
/// Nothing where no collection is named. "m@Handbook:latest" is "m@handbook": clients add tags.
std::optional<CollectionName> split_collection(std::string_view name);

}  // namespace segue::llm
