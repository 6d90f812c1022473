#include "cli/app.hpp"

int main(int argc, char** argv) {
    return segue::cli::run(argc, argv);
}
