/// A request body of one kind.
protocol RequestMessage {
    static var api: APIKey { get }
    init(from reader: inout WireReader, version: Int16) throws(WireError)
}

/// A response body of one kind.
protocol ResponseMessage {
    func encode(to writer: inout WireWriter, version: Int16)
}

/// A response that can tell the client to slow down.
protocol ThrottledResponse: ResponseMessage {
    var throttleTimeMilliseconds: Int32 { get set }
}
