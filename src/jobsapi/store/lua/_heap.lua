-- Part of list: sources as a heap, of which the one with the largest `head` is the first.
local function sift(heap, i)
  local largest = i
  for child = 2 * i, 2 * i + 1 do
    if heap[child] and heap[child].head > heap[largest].head then largest = child end
  end
  if largest == i then return end
  heap[i], heap[largest] = heap[largest], heap[i]
  return sift(heap, largest)
end

local function heapify(heap)
  for i = math.floor(#heap / 2), 1, -1 do sift(heap, i) end
end
