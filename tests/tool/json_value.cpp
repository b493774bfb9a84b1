// SPDX-License-Identifier: BSD-3-Clause
// Copyright the pmemstream authors

// Reads JSON from standard input and prints the value at a JSON pointer ("/regions/0/entries"). Fails if the input is
// not JSON or nothing is there.

#include <nlohmann/json.hpp>

#include <exception>
#include <iostream>

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: json_value POINTER\n";
        return 2;
    }
    try {
        const auto document = nlohmann::json::parse(std::cin);
        const auto &value = document.at(nlohmann::json::json_pointer(argv[1]));
        std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
        return 0;
    } catch (const std::exception &error) {
        std::cerr << "json_value: " << error.what() << '\n';
        return 1;
    }
}
