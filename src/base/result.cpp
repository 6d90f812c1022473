#include "base/result.hpp"

namespace segue {

std::string_view fault_name(Fault fault) {
    switch (fault) {
        case Fault::kInvalid: return "invalid";
        case Fault::kNotFound: return "not_found";
        case Fault::kUnreachable: return "unreachable";
        case Fault::kTimeout: return "timeout";
        case Fault::kTooLarge: return "too_large";
        case Fault::kConflict: return "conflict";
        case Fault::kIo: return "io";
        case Fault::kInternal: return "internal";
    }
    return "internal";
}

}  // namespace segue
