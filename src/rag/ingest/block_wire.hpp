/// How a parsed document goes from the sandboxed child to its parent. The parent believes nothing:
/// the child may have been taken over.
///
/// Thread: any; pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "rag/ingest/block.hpp"

namespace segue::rag {

std::string encode_parsed(const Result<Parsed>& parsed);
Result<Parsed> decode_parsed(std::string_view text);

}  // namespace segue::rag
