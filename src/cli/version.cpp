#include <ostream>

#include "base/json.hpp"
#include "cli/commands.hpp"

namespace segue::cli {

int version_command(Console& console) {
    if (console.output == Output::kJson) {
        console.out << json::object([](json::Writer& w) { w.member("version", SEGUE_VERSION); })
                    << '\n';
    } else {
        console.out << "segue " SEGUE_VERSION "\n";
    }
    return kFine;
}

}  // namespace segue::cli
