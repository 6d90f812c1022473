/// One hash over a tree, which anybody can make again without this program:
///
///     git ls-files -z | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
///
/// in the audited folder: a line "HASH  PATH" for each file that git tracks, by path in the order
/// of bytes. Without git: each file that the audit walked. A link stands for the path that it holds
/// (sha256sum would follow it); submodules are left out.
#pragma once

#include <string>
#include <vector>

#include "audit/walk/walker.hpp"
#include "base/result.hpp"

namespace segue::audit {

/// Of one folder; `threads` 0 = one a core. A tracked file that is gone counts as absent.
Result<std::string> tree_sha256(const std::string& root, const GitFacts& git,
                                const std::vector<WalkedFile>& walked, unsigned threads);
/// The same, asked from the folder alone.
Result<std::string> tree_sha256(const std::string& root);

}  // namespace segue::audit
