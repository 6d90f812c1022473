/// From a path to a file that was read: its bytes are scanned, and where they can matter they are
/// cut into segments and tokens. Each call stands alone; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "audit/finding.hpp"
#include "audit/model.hpp"
#include "audit/suppress.hpp"
#include "audit/text/matcher.hpp"
#include "audit/walk/walker.hpp"

namespace segue::audit {

/// What became of one file.
struct Scanned {
    enum class State : std::uint8_t { kNothing, kRead, kDerived, kUnread } state = State::kNothing;
    ParsedFile file;
    Finding derived;
    std::string reason;
    std::set<std::string, std::less<>> routes;  // that it serves, when it is dropped
    std::uint64_t bytes = 0;
    bool matched = false;
};

/// Which files are kept although they hold no token. kAlways still wants the scan to find
/// something; kUncut, too, and only gives the text. The others ask for nothing: kForced is parsed
/// whatever it holds, kHanded only where something may reach it.
enum class Keep : std::uint8_t { kWithTokens, kWithLetters, kAlways, kUncut, kForced, kHanded };

/// All that a reference can be made of. One for the process.
const Matcher& reference_scanner();
/// Builds it and what find_tokens() needs: 20 ms that need not wait for the first file.
void prepare_scanners();

/// Asked with the text alone, before the work of cutting it; false drops the file. Empty: all.
using Wanted = std::function<bool(const ParsedFile&)>;

void read_text(std::string path, std::string bytes, bool outside, const Policy& policy,
               Scanned& out, Keep keep = Keep::kWithTokens, const Wanted& wanted = {});
/// Cuts a text that was read into segments and tokens.
void cut(ParsedFile& file);

/// Asked with the bytes of a file as it lies on the disk: whether something stands in them.
using Search = std::function<bool(std::string_view)>;

/// Reads a file when `search` finds something in it.
void scan_file(const WalkedFile& walked, const Policy& policy, const Search& search, Scanned& out,
               Keep keep = Keep::kWithTokens, const Wanted& wanted = {});

}  // namespace segue::audit
