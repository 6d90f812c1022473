/// A snippet where PostgreSQL makes none: scripts without spaces, and passages that only the
/// vectors found.
///
/// Thread: any; pure functions.
#pragma once

#include <string>
#include <string_view>

namespace segue::rag {

/// About 240 bytes of `text`, around the first place where pairs of characters (or words) of the
/// question stand, those between U+0002 and U+0003; from the beginning when none does.
std::string plain_snippet(std::string_view text, std::string_view question);

}  // namespace segue::rag
