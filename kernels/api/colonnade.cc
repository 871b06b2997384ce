// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "colonnade.h"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "memory.h"
#include "network.h"
#include "package.h"
#include "run_limits.h"
#include "xnn.h"

namespace colonnade {
namespace {

constexpr size_t kRank = 4;

// Whatever cannot even be said of an error.
thread_local std::string error_text;

// Files are wrong, not what was asked for.
class BadPackage : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

int failed(int status, const char* what) noexcept {
  try {
    error_text = what;
  } catch (...) {
    error_text.clear();
  }
  return status;
}

// Calls `body`; what it throws becomes a status and a text.
template <typename Body>
int guarded(Body body) noexcept {
  try {
    body();
    return COLONNADE_OK;
  } catch (const std::invalid_argument& error) {
    return failed(COLONNADE_BAD_ARGUMENT, error.what());
  } catch (const BadPackage& error) {
    return failed(COLONNADE_BAD_PACKAGE, error.what());
  } catch (const std::bad_alloc& error) {
    return failed(COLONNADE_OUT_OF_MEMORY, error.what());
  } catch (const std::exception& error) {
    return failed(COLONNADE_FAILED, error.what());
  } catch (...) {
    return failed(COLONNADE_FAILED, "an error without a message");
  }
}

template <typename Value>
void need(const Value* argument, const char* name) {
  if (argument == nullptr) throw std::invalid_argument(std::string(name) + ": NULL");
}

// What `read` throws is the fault of a file.
template <typename Read>
auto from_file(Read read) {
  try {
    return read();
  } catch (const std::runtime_error& error) {
    throw BadPackage(error.what());
  }
}

const Datatype& read_dtype(const char* name) {
  if (name == nullptr) return f32();
  std::string allowed;
  for (const Datatype& each : datatypes()) {
    if (std::string(each.name) == name) return each;
    allowed += (allowed.empty() ? "" : ", ") + std::string(each.name);
  }
  throw std::invalid_argument("dtype: '" + std::string(name) + "'; allowed: " + allowed);
}

// The package's own schedules, where it has some and no others are given.
std::optional<Schedules> read_schedules(const std::string& package, const char* given) {
  const std::string own = package + "/schedules.json";
  struct stat status;
  if (given == nullptr && stat(own.c_str(), &status) != 0) return std::nullopt;
  return from_file([&] { return std::optional<Schedules>(given == nullptr ? own : given); });
}

}  // namespace
}  // namespace colonnade

// What runs, and the memory that it lies in; replaced as a whole by another shape.
struct Shaped {
  std::map<std::string, colonnade::Shape> shapes;
  colonnade::HeapMemory memory;
  std::unique_ptr<colonnade::Network> network;
};

struct colonnade_net {
  colonnade_net(const std::string& folder, const colonnade_options& options)
      : datatype(colonnade::read_dtype(options.dtype)),
        package(colonnade::from_file([&] { return std::make_unique<colonnade::Package>(folder); })),
        schedules(colonnade::read_schedules(folder, options.schedules)),
        pool(colonnade::make_thread_pool(std::max(options.threads, 1u))) {}

  const colonnade::Datatype& datatype;
  const std::unique_ptr<const colonnade::Package> package;
  const std::optional<colonnade::Schedules> schedules;
  const colonnade::ThreadPool pool;
  std::mutex running;
  std::unique_ptr<Shaped> shaped;
};

namespace colonnade {
namespace {

colonnade_options read_options(const colonnade_options* given) {
  colonnade_options options = {sizeof(colonnade_options), nullptr, nullptr, 0};
  if (given == nullptr) return options;
  if (given->size != sizeof(colonnade_options)) {
    throw std::invalid_argument("options: size " + std::to_string(given->size) + "; allowed: " + std::to_string(sizeof(colonnade_options)));
  }
  options = *given;
  if (options.threads > kMaxThreads) {
    throw std::invalid_argument("threads: " + std::to_string(options.threads) + "; allowed: 1 to " + std::to_string(kMaxThreads));
  }
  return options;
}

std::map<std::string, Shape> read_shapes(const Package& package, const size_t* sizes) {
  std::map<std::string, Shape> shapes;
  for (const GraphInput& input : package.inputs()) {
    const Shape shape = {sizes[0], sizes[1], sizes[2], sizes[3]};
    sizes += kRank;
    // No size of a tensor is 0: that stands for one that is not known.
    if (shape.n == 0 || shape.c != input.channels || shape.h == 0 || shape.w == 0) {
      throw std::invalid_argument("input '" + input.name + "' is [" + std::to_string(shape.n) + ", " + std::to_string(shape.c) + ", " +
                                  std::to_string(shape.h) + ", " + std::to_string(shape.w) + "]; allowed: [images, " +
                                  std::to_string(input.channels) + ", height, width]");
    }
    shapes[input.name] = shape;
  }
  return shapes;
}

void reshape(colonnade_net& net, const std::map<std::string, Shape>& shapes) {
  if (net.shaped != nullptr && net.shaped->shapes == shapes) return;
  // The old one first: there may be no room for both.
  net.shaped.reset();
  try {
    net.package->shapes(shapes);
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument(error.what());
  }
  auto shaped = std::make_unique<Shaped>();
  shaped->shapes = shapes;
  const bool is_tuned = net.schedules.has_value();
  shaped->network = make_network(*net.package, find_implementation(is_tuned ? "colnm_tuned" : "colnm_untuned"),
                                 is_tuned ? &*net.schedules : nullptr, net.datatype, net.pool.get(), shaped->memory);
  shaped->network->build(shapes);
  net.shaped = std::move(shaped);
}

Shaped& shaped_of(const colonnade_net& net) {
  if (net.shaped == nullptr) throw std::invalid_argument("net: has no shape; colonnade_reshape gives it one");
  return *net.shaped;
}

void run(colonnade_net& net, const float* const* inputs, float* const* outputs) {
  const std::lock_guard<std::mutex> lock(net.running);
  Network& network = *shaped_of(net).network;
  for (size_t i = 0; i < net.package->inputs().size(); i++) {
    need(inputs[i], "inputs");
    network.lend(net.package->inputs()[i].name, inputs[i]);
  }
  network.run();
  for (size_t i = 0; i < net.package->outputs().size(); i++) {
    need(outputs[i], "outputs");
    network.result(net.package->outputs()[i], outputs[i]);
  }
}

}  // namespace
}  // namespace colonnade

const char* colonnade_version(void) { return COLONNADE_VERSION; }

int colonnade_abi(void) { return COLONNADE_ABI; }

const char* colonnade_error(void) { return colonnade::error_text.c_str(); }

int colonnade_create(const char* package, const colonnade_options* options, colonnade_net** net) {
  return colonnade::guarded([&] {
    colonnade::need(package, "package");
    colonnade::need(net, "net");
    const colonnade_options given = colonnade::read_options(options);
    colonnade::initialize_xnnpack(nullptr);
    *net = new colonnade_net(package, given);
  });
}

void colonnade_destroy(colonnade_net* net) { delete net; }

size_t colonnade_input_count(const colonnade_net* net) { return net == nullptr ? 0 : net->package->inputs().size(); }

const char* colonnade_input_name(const colonnade_net* net, size_t input) {
  return input < colonnade_input_count(net) ? net->package->inputs()[input].name.c_str() : nullptr;
}

size_t colonnade_input_channels(const colonnade_net* net, size_t input) {
  return input < colonnade_input_count(net) ? net->package->inputs()[input].channels : 0;
}

size_t colonnade_output_count(const colonnade_net* net) { return net == nullptr ? 0 : net->package->outputs().size(); }

const char* colonnade_output_name(const colonnade_net* net, size_t output) {
  return output < colonnade_output_count(net) ? net->package->outputs()[output].c_str() : nullptr;
}

int colonnade_reshape(colonnade_net* net, const size_t* shapes) {
  return colonnade::guarded([&] {
    colonnade::need(net, "net");
    colonnade::need(shapes, "shapes");
    const std::lock_guard<std::mutex> lock(net->running);
    try {
      colonnade::reshape(*net, colonnade::read_shapes(*net->package, shapes));
    } catch (...) {
      // The caller's buffers may be those of the shape that was refused.
      net->shaped.reset();
      throw;
    }
  });
}

int colonnade_output_shape(const colonnade_net* net, size_t output, size_t shape[4], size_t* rank) {
  return colonnade::guarded([&] {
    colonnade::need(net, "net");
    colonnade::need(shape, "shape");
    colonnade::need(rank, "rank");
    if (output >= colonnade_output_count(net)) {
      throw std::invalid_argument("output: " + std::to_string(output) + "; allowed: less than " + std::to_string(colonnade_output_count(net)));
    }
    const std::vector<size_t> sizes = colonnade::shaped_of(*net).network->outputs().at(net->package->outputs()[output]);
    std::copy(sizes.begin(), sizes.end(), shape);
    *rank = sizes.size();
  });
}

int colonnade_run(colonnade_net* net, const float* const* inputs, float* const* outputs) {
  return colonnade::guarded([&] {
    colonnade::need(net, "net");
    colonnade::need(inputs, "inputs");
    colonnade::need(outputs, "outputs");
    colonnade::run(*net, inputs, outputs);
  });
}
