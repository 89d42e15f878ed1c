extension Array where Element: Sendable {
    /// What the body makes of each element, at the same time, in their order.
    package func concurrentMap<Value: Sendable>(_ body: @escaping @Sendable (Element) async -> Value) async -> [Value] {
        await withTaskGroup(of: (Int, Value).self) { group in
            for (index, element) in enumerated() { group.addTask { (index, await body(element)) } }
            var values: [Int: Value] = [:]
            for await (index, value) in group { values[index] = value }
            return indices.compactMap { values[$0] }
        }
    }
}
