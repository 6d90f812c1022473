/// What every probe's part is made with.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/record.hpp"

namespace segue::audit {

constexpr int kOllamaPort = 11434;

evidence::Part make_part(std::string_view id, std::string_view title,
                         std::string_view command = "");
/// Bad things make it not clean; without them, what could not be looked at makes it not looked at.
void conclude(evidence::Part& part, std::vector<std::string> bad, std::vector<std::string> unread,
              std::string clean, std::string_view what);
std::string ports_text(const std::set<int>& ports);
bool is_local(std::string_view host);

}  // namespace segue::audit
