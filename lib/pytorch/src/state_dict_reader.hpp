#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <functional>
#include <linreg/pytorch/state_dict.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace caffe2::serialize {
class ReadAdapterInterface;
}

/// The layers of load_state_dict_file, apart for the fuzz target.
namespace linreg::pytorch {

/// The bytes of the record `name`; throws c10::Error unless there are `expected` of them.
using RecordReader = std::function<at::DataPtr(const std::string& name, std::size_t expected)>;

/// The whole file.
StateDict read_state_dict(std::shared_ptr<caffe2::serialize::ReadAdapterInterface> file);

/// The record data.pkl, whose tensors' bytes have to be swapped for this machine if `swap`.
StateDict read_pickled_state_dict(std::string_view bytes, const RecordReader& read_record,
                                  bool swap);

}  // namespace linreg::pytorch
