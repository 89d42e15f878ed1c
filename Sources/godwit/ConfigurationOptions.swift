import Appliance
public import ArgumentParser
import FoundationEssentials
public import Logging

/// Where the configuration comes from, for every command that needs one.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The configuration file; GODWIT_CONFIG names it too. Without either it is godwit.yaml in this folder, where that is, and the environment may be enough.",
            valueName: "file")
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The least important messages that are logged: trace, debug, info, notice, warning, error.",
            valueName: "level"))
    var logLevel: Logger.Level?

    @Option(
        help: ArgumentHelp(
            "Only this one of several `sources`; needed by commands about one, unless a consumer says which.",
            valueName: "name"))
    var source: String?

    /// Reads the configuration as one source has it, and starts logging as it says. Warnings go to standard error.
    ///
    /// - Parameter consumer: whose source is meant, where the configuration has several and none is named.
    func load(_ needs: Set<Configuration.Need>, of consumer: String? = nil) throws -> Configuration {
        try loadWhole(needs).choose(source: source, consumer: consumer)
    }

    /// As ``load(_:of:)``, each source by itself.
    func loadEach(_ needs: Set<Configuration.Need>) throws -> [Configuration] {
        try loadWhole(needs).chooseEach(source: source)
    }

    /// As ``load(_:of:)``, with all the sources where none is named.
    func loadSources(_ needs: Set<Configuration.Need>) throws -> Configuration {
        let whole = try loadWhole(needs)
        return try source == nil ? whole : whole.choose(source: source)
    }

    private func loadWhole(_ needs: Set<Configuration.Need>) throws(ConfigurationError) -> Configuration {
        let loaded = try start(needs)
        for warning in loaded.warnings { standardError("godwit: \(LogLine.harmless(warning.line))") }
        return loaded.configuration
    }

    /// The configuration with all its sources, or the one that is named, with the warnings in the log, as a program that runs for
    /// long writes them.
    func loadLogging(_ needs: Set<Configuration.Need>) throws -> Configuration {
        let loaded = try start(needs)
        let logger = Logger(label: "godwit.configuration")
        for warning in loaded.warnings {
            logger.warning("\(warning.description)", metadata: ["code": "\(warning.code.rawValue)"])
        }
        return try source == nil ? loaded.configuration : loaded.configuration.choose(source: source)
    }

    /// Reads the configuration, and starts logging as it says.
    func start(_ needs: Set<Configuration.Need>) throws(ConfigurationError) -> Configuration.Loaded {
        CommandHints.configure(file: config)
        let loaded = try read(needs)
        let log = loaded.configuration.log
        StandardErrorLog.bootstrap(level: logLevel ?? log.level, format: log.format)
        return loaded
    }

    func read(_ needs: Set<Configuration.Need>) throws(ConfigurationError) -> Configuration.Loaded {
        try Configuration.load(file: file, needs: needs)
    }

    /// The file that is named by the option or by the environment, or lies in this folder.
    var file: String? {
        if let config { return config }
        if let named = ProcessInfo.processInfo.environment["GODWIT_CONFIG"], !named.isEmpty { return named }
        return FileManager.default.fileExists(atPath: Self.usual) ? Self.usual : nil
    }

    private static let usual = "godwit.yaml"
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
