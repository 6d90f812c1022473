/// What a caller of Segue's own API may be allowed: the table is src/people/permission.hpp.
///
/// Thread: values.
#pragma once

#include "people/permission.hpp"

namespace segue::serve::api {

using people::kPermissionNames;
using people::Permission;
using people::permission_name;
using people::permission_of;
using people::Permissions;

}  // namespace segue::serve::api
