import FoundationEssentials

extension Command {
    /// The `godwit` that was built beside these tests.
    package static func godwit(
        _ arguments: String..., environment: [String: String] = [:], input: String? = nil
    ) -> Command {
        // What a developer has set must not change what is tested.
        var own = ProcessInfo.processInfo.environment.filter { $0.key.hasPrefix("GODWIT_") }.mapValues { _ in "" }
        own.merge(environment) { _, new in new }
        return Command(
            builtFolder + "/godwit", arguments, environment: own.filter { !$0.value.isEmpty },
            without: Set(own.filter(\.value.isEmpty).keys), input: input)
    }

    /// Where these tests, and what they test, were built.
    package static var builtFolder: String {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return program.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }
}
