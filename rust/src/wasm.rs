//! Why: contract code comes from anybody. One pass over the module validates it, counts it against the limits, and copies it
//! into the form that runs: the imported memory becomes the module's own, memory growth becomes a host call (so that it is
//! paid for), and every function that can recurse pays for its stack frame from a budget before it runs.
//! Rules: docs/adr/0004-gas-rules.md; shape of contracts: the engine's module.hpp. Declarations: phala_wasm.h.

use crate::ffi::view;
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    ImportSection, Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmparser::{
    ExternalKind, FuncType, FunctionBody, Operator, OperatorsReader, Parser, Payload, TypeRef, ValidPayload, Validator, WasmFeatures,
};

#[repr(C)]
pub struct PhalaWasmLimits {
    pub code_bytes: u32,
    pub memory_pages: u32,
    pub weighted_bytes: u64,
    pub table_elements: u32,
    pub locals_per_function: u32,
    pub local_branches: u64,
    pub operand_instructions: u64,
    pub local_loops: u64,
    pub loops_squared: u64,
    pub compile_work: u64,
    pub stack_units: u32,
}

/// Bytes owned by Rust until `phala_wasm_free`.
#[repr(C)]
pub struct PhalaWasmBytes {
    data: *mut u8,
    len: usize,
}

/// What every instruction weighs against `weighted_bytes`.
const INSTRUCTION_WEIGHT: u64 = 16;
/// The least a counted frame takes from the budget: budget / this = greatest depth.
const FRAME_UNITS: u64 = 1024;
const MODULES: [&str; 4] = ["seal0", "seal1", "seal2", "__unstable__"];
const MAX_FUNCTIONS: u32 = 32 * 1024;
const MAX_GLOBALS: u32 = 4096;
/// Far above what there is to import; an instance holds a record for each.
const MAX_IMPORTS: u32 = 1024;

type Checked<T> = Result<T, String>;

fn malformed(error: wasmparser::BinaryReaderError) -> String {
    format!("not a valid module: {} at offset {:#x}", error.message(), error.offset())
}

fn unencodable(error: wasm_encoder::reencode::Error) -> String {
    format!("not a module of this engine: {error}")
}

/// Says where in the uploaded bytes what is refused begins.
fn located<T>(at: usize, result: Checked<T>) -> Checked<T> {
    result.map_err(|why| format!("{why}; at offset {at:#x}"))
}

/// Two helper imports are added behind the module's own ones, so indices of defined functions move.
struct Renumber {
    imported: u32,
}

const HELPERS: u32 = 2;

impl Renumber {
    fn moved(&self, function: u32) -> u32 {
        if function < self.imported { function } else { function + HELPERS }
    }
    fn memory_grow(&self) -> u32 {
        self.imported
    }
    fn stack_limit(&self) -> u32 {
        self.imported + 1
    }
}

impl Reencode for Renumber {
    type Error = std::convert::Infallible;
    fn function_index(&mut self, function: u32) -> Result<u32, wasm_encoder::reencode::Error> {
        Ok(self.moved(function))
    }
}

struct Rewriter<'a> {
    wasm: &'a [u8],
    limits: &'a PhalaWasmLimits,
    floats: bool,
    renumber: Renumber,
    signatures: Vec<FuncType>,
    /// Type index of every function, imported ones first.
    function_types: Vec<u32>,
    defined_globals: u32,
    memory: Option<MemoryType>,
    has_call: bool,
    has_deploy: bool,
    instructions: u64,
    data_bytes: u64,
    local_branches: u64,
    operand_instructions: u64,
    local_loops: u64,
    loops_squared: u64,
    work: u64,
    // what becomes of the sections
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: wasm_encoder::TableSection,
    globals: GlobalSection,
    exports: ExportSection,
    start: Option<u32>,
    elements: wasm_encoder::ElementSection,
    code: CodeSection,
    data: wasm_encoder::DataSection,
}

/// What one function asks of the stack and of the compiler.
struct Frame {
    parameters: u64,
    /// Parameters included.
    locals: u64,
    operands: u64,
    instructions: u64,
    branches: u64,
    loops: u64,
    may_recurse: bool,
}

impl Frame {
    /// Depth, bytes of locals and operands, and the native frame (in long bodies the register allocator leaves holes) are all
    /// bounded by one budget: the largest of the three demands is what a frame takes.
    fn units(&self) -> u64 {
        // a parameter is there twice: where the caller put it and where the callee keeps it
        FRAME_UNITS.max(8 * (self.parameters + self.locals + self.operands)).max(self.instructions / 8)
    }
    fn is_counted(&self) -> bool {
        self.may_recurse || self.units() > FRAME_UNITS
    }
}

impl<'a> Rewriter<'a> {
    fn new(wasm: &'a [u8], floats: bool, limits: &'a PhalaWasmLimits) -> Self {
        Rewriter {
            wasm,
            limits,
            floats,
            renumber: Renumber { imported: 0 },
            signatures: Vec::new(),
            function_types: Vec::new(),
            defined_globals: 0,
            memory: None,
            has_call: false,
            has_deploy: false,
            instructions: 0,
            data_bytes: 0,
            local_branches: 0,
            operand_instructions: 0,
            local_loops: 0,
            loops_squared: 0,
            work: 0,
            types: TypeSection::new(),
            imports: ImportSection::new(),
            functions: FunctionSection::new(),
            tables: wasm_encoder::TableSection::new(),
            globals: GlobalSection::new(),
            exports: ExportSection::new(),
            start: None,
            elements: wasm_encoder::ElementSection::new(),
            code: CodeSection::new(),
            data: wasm_encoder::DataSection::new(),
        }
    }

    fn run(mut self) -> Checked<Vec<u8>> {
        if self.wasm.len() > self.limits.code_bytes as usize {
            return Err(format!("the code has {} bytes; at most {} are allowed", self.wasm.len(), self.limits.code_bytes));
        }
        let mut features = WasmFeatures::SIGN_EXTENSION | WasmFeatures::GC_TYPES;
        features.set(WasmFeatures::FLOATS, self.floats);
        let mut validator = Validator::new_with_features(features);
        let mut allocations = wasmparser::FuncValidatorAllocations::default();
        let mut parser = Parser::new(0);
        parser.set_features(features);
        for payload in parser.parse_all(self.wasm) {
            let payload = payload.map_err(malformed)?;
            match validator.payload(&payload).map_err(malformed)? {
                ValidPayload::Func(function, body) => {
                    let mut function = function.into_validator(std::mem::take(&mut allocations));
                    self.body(&mut function, &body)?;
                    allocations = function.into_allocations();
                }
                _ => self.section(payload)?,
            }
        }
        self.finish()
    }

    fn section(&mut self, payload: Payload<'a>) -> Checked<()> {
        match payload {
            Payload::TypeSection(section) => {
                for signature in section.clone().into_iter_err_on_gc_types() {
                    self.signatures.push(signature.map_err(malformed)?);
                }
                self.renumber.parse_type_section(&mut self.types, section).map_err(unencodable)?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports_with_offsets() {
                    let (at, import) = import.map_err(malformed)?;
                    located(at, self.import(import))?;
                }
            }
            Payload::FunctionSection(section) => {
                if section.count() > MAX_FUNCTIONS {
                    return located(section.range().start, Err(format!("{} functions; at most {MAX_FUNCTIONS} are allowed", section.count())));
                }
                for index in section {
                    let index = index.map_err(malformed)?;
                    self.function_types.push(index);
                    self.functions.function(index);
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone().into_iter_with_offsets() {
                    let (at, table) = table.map_err(malformed)?;
                    let (elements, most) = (table.ty.initial, self.limits.table_elements);
                    if elements > u64::from(most) {
                        return located(at, Err(format!("a table of {elements} elements; at most {most} are allowed")));
                    }
                }
                self.renumber.parse_table_section(&mut self.tables, section).map_err(unencodable)?;
            }
            Payload::MemorySection(section) => {
                if section.count() > 0 {
                    return located(section.range().start, Err("it defines a memory: contracts import env.memory".into()));
                }
            }
            Payload::GlobalSection(section) => {
                self.defined_globals = section.count();
                if self.defined_globals > MAX_GLOBALS {
                    return located(section.range().start, Err(format!("{} globals; at most {MAX_GLOBALS} are allowed", self.defined_globals)));
                }
                self.renumber.parse_global_section(&mut self.globals, section).map_err(unencodable)?;
            }
            Payload::ExportSection(section) => {
                for export in section.into_iter_with_offsets() {
                    let (at, export) = export.map_err(malformed)?;
                    located(at, self.export(export))?;
                }
            }
            Payload::StartSection { func, range } => {
                if func < self.renumber.imported {
                    return located(range.start, Err("its start function is an imported one".into()));
                }
                self.start = Some(self.renumber.moved(func));
            }
            Payload::ElementSection(section) => {
                self.renumber.parse_element_section(&mut self.elements, section).map_err(unencodable)?
            }
            Payload::DataSection(section) => {
                for segment in section.clone().into_iter_with_offsets() {
                    let (at, segment) = segment.map_err(malformed)?;
                    self.data_bytes += segment.data.len() as u64;
                    located(at, self.check_weight(self.instructions))?;
                }
                self.renumber.parse_data_section(&mut self.data, section).map_err(unencodable)?;
            }
            _ => {} // versions, custom sections, ends
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'a>) -> Checked<()> {
        match import.ty {
            TypeRef::Memory(memory) => {
                if (import.module, import.name) != ("env", "memory") {
                    return Err(format!("it imports memory {}.{}: only env.memory exists", import.module, import.name));
                }
                if self.memory.is_some() {
                    return Err("it imports env.memory twice".into());
                }
                let cap = u64::from(self.limits.memory_pages);
                let maximum = memory.maximum.unwrap_or(cap);
                if maximum > cap || memory.initial > maximum {
                    return Err(format!("memory of {} to {maximum} pages; at most {cap} are allowed", memory.initial));
                }
                self.memory = Some(MemoryType {
                    minimum: memory.initial,
                    maximum: Some(maximum),
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
            }
            TypeRef::Func(index) => {
                if !MODULES.contains(&import.module) {
                    return Err(format!("it imports function {}.{}: there is no such module", import.module, import.name));
                }
                self.function_types.push(index);
                self.renumber.imported += 1;
                if self.renumber.imported > MAX_IMPORTS {
                    return Err(format!("it imports more than {MAX_IMPORTS} functions"));
                }
                self.imports.import(import.module, import.name, EntityType::Function(index));
            }
            _ => return Err(format!("it imports {}.{}, which is neither a function nor env.memory", import.module, import.name)),
        }
        Ok(())
    }

    fn export(&mut self, export: wasmparser::Export<'a>) -> Checked<()> {
        if export.kind != ExternalKind::Func || !matches!(export.name, "call" | "deploy") {
            return Err(format!("it exports {:?}: only the functions call and deploy may be exported", export.name));
        }
        if export.index < self.renumber.imported {
            return Err(format!("its export {} is an imported function", export.name));
        }
        let signature = self.signature(export.index)?;
        let legacy = signature.results().len() == 1 && signature.results()[0] == wasmparser::ValType::I32;
        if !signature.params().is_empty() || !(signature.results().is_empty() || legacy) {
            return Err(format!("its export {} takes arguments or returns more than a number", export.name));
        }
        self.has_call |= export.name == "call";
        self.has_deploy |= export.name == "deploy";
        self.exports.export(export.name, ExportKind::Func, self.renumber.moved(export.index));
        Ok(())
    }

    fn signature(&self, function: u32) -> Checked<&FuncType> {
        let index = self.function_types.get(function as usize).ok_or("a function without a type")?;
        self.signatures.get(*index as usize).ok_or("a type that does not exist".to_string())
    }

    fn check_weight(&self, instructions: u64) -> Checked<()> {
        let weight = INSTRUCTION_WEIGHT * instructions + self.data_bytes;
        if weight > self.limits.weighted_bytes {
            return Err(format!(
                "too much code and data: 16 bytes per instruction and the data segments may weigh {} together",
                self.limits.weighted_bytes
            ));
        }
        Ok(())
    }

    /// Validates one function, measures its frame and emits its new body.
    fn body<R: wasmparser::WasmModuleResources>(
        &mut self,
        validator: &mut wasmparser::FuncValidator<R>,
        body: &FunctionBody<'a>,
    ) -> Checked<()> {
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader).map_err(malformed)?;
        let locals = u64::from(validator.len_locals());
        if locals > u64::from(self.limits.locals_per_function) {
            return located(body.range().start, Err(format!(
                "function {} has {locals} locals and parameters; at most {} are allowed",
                validator.index(),
                self.limits.locals_per_function
            )));
        }
        let parameters = self.signature(validator.index())?.params().len() as u64;
        let mut frame = Frame { parameters, locals, operands: 0, instructions: 0, branches: 0, loops: 0, may_recurse: false };
        let mut edits: Vec<Edit> = Vec::new();
        let code_start = reader.original_position();
        let mut reader = OperatorsReader::new(reader);
        while !reader.eof() {
            let at = reader.original_position();
            let op = reader.read().map_err(malformed)?;
            let end = reader.original_position();
            let depth = validator.control_stack_height();
            validator.op(at, &op).map_err(|e| refused_instruction(e, &op, at))?;
            frame.operands = frame.operands.max(u64::from(validator.operand_stack_height()));
            frame.instructions += 1;
            self.work += work(&op);
            match op {
                Operator::Call { function_index } => {
                    frame.may_recurse |= function_index >= self.renumber.imported;
                    edits.push(Edit { at, end, to: Replacement::Call(self.renumber.moved(function_index)) });
                }
                Operator::CallIndirect { .. } => frame.may_recurse = true,
                Operator::MemoryGrow { .. } => {
                    edits.push(Edit { at, end, to: Replacement::Call(self.renumber.memory_grow()) })
                }
                Operator::Return => {
                    frame.branches += 1;
                    // the function's own label becomes that of the block around the old body, which has the same index
                    edits.push(Edit { at, end, to: Replacement::Leave(depth.saturating_sub(1)) });
                }
                Operator::Loop { .. } => {
                    frame.branches += 1;
                    frame.loops += 1;
                }
                Operator::Block { .. } | Operator::If { .. } | Operator::Else => frame.branches += 1,
                Operator::Br { .. } | Operator::BrIf { .. } => frame.branches += 1,
                Operator::BrTable { ref targets } => {
                    frame.branches += 1 + u64::from(targets.len());
                    frame.instructions += u64::from(targets.len());
                }
                _ => {}
            }
            self.check_weight(self.instructions + frame.instructions)
                .and_then(|()| self.check_work())
                .map_err(|why| format!("{}: {why}", instruction_at(&op, at)))?;
        }
        self.instructions += frame.instructions;
        reader.finish().map_err(malformed)?;
        located(body.range().start, self.count_frame(&frame).map_err(|why| format!("function {}: {why}", validator.index())))?;
        self.emit_body(validator.index(), body, code_start, &frame, &edits)
    }

    fn check_work(&self) -> Checked<()> {
        if self.work > self.limits.compile_work {
            return Err(format!(
                "too many calls, divisions and memory accesses to compile: their work may be {} at most",
                self.limits.compile_work
            ));
        }
        Ok(())
    }

    /// Adds a function to what makes the compiler's work grow with a square.
    fn count_frame(&mut self, frame: &Frame) -> Checked<()> {
        self.local_branches += frame.locals * frame.branches;
        if self.local_branches > self.limits.local_branches {
            return Err(format!(
                "its control flow is too large: locals times branches, summed over all functions, may be {} at most",
                self.limits.local_branches
            ));
        }
        self.operand_instructions += frame.operands * frame.instructions;
        if self.operand_instructions > self.limits.operand_instructions {
            return Err(format!(
                "its expressions are too large: operands held at once times instructions, summed over all functions, may be {} at most",
                self.limits.operand_instructions
            ));
        }
        self.local_loops += frame.locals * frame.loops;
        if self.local_loops > self.limits.local_loops {
            return Err(format!(
                "its loops are too large: locals times loops, summed over all functions, may be {} at most",
                self.limits.local_loops
            ));
        }
        self.loops_squared += frame.loops * frame.loops;
        if self.loops_squared > self.limits.loops_squared {
            return Err(format!(
                "it has too many loops: their squares, summed over all functions, may be {} at most",
                self.limits.loops_squared
            ));
        }
        Ok(())
    }

    fn emit_body(&mut self, index: u32, body: &FunctionBody<'a>, code_start: usize, frame: &Frame, edits: &[Edit]) -> Checked<()> {
        let mut declared = Vec::new();
        for local in body.get_locals_reader().map_err(malformed)? {
            let (count, ty) = local.map_err(malformed)?;
            declared.push((count, self.renumber.val_type(ty).map_err(unencodable)?));
        }
        let results = self.signature(index)?.results().to_vec();
        let block = match results.first() {
            None => BlockType::Empty,
            Some(ty) => BlockType::Result(self.renumber.val_type(*ty).map_err(unencodable)?),
        };
        let mut out = Function::new(declared);
        let counted = frame.is_counted();
        let units = frame.units().min(u64::from(self.limits.stack_units) + 1) as i32;
        let budget = self.defined_globals;
        if counted {
            for instruction in [
                Instruction::GlobalGet(budget),
                Instruction::I32Const(units),
                Instruction::I32Sub,
                Instruction::GlobalSet(budget),
                Instruction::GlobalGet(budget),
                Instruction::I32Const(0),
                Instruction::I32LtS,
                Instruction::If(BlockType::Empty),
                Instruction::Call(self.renumber.stack_limit()),
                Instruction::End,
                Instruction::Block(block),
            ] {
                out.instruction(&instruction);
            }
        }
        let mut copied = code_start;
        for edit in edits {
            let replacement = match edit.to {
                Replacement::Call(function) => Instruction::Call(function),
                Replacement::Leave(label) if counted => Instruction::Br(label),
                Replacement::Leave(_) => continue,
            };
            out.raw(self.wasm[copied..edit.at].iter().copied());
            out.instruction(&replacement);
            copied = edit.end;
        }
        out.raw(self.wasm[copied..body.range().end].iter().copied()); // with the body's own `end`
        if counted {
            for instruction in [
                Instruction::GlobalGet(budget),
                Instruction::I32Const(units),
                Instruction::I32Add,
                Instruction::GlobalSet(budget),
                Instruction::End,
            ] {
                out.instruction(&instruction);
            }
        }
        self.code.function(&out);
        Ok(())
    }

    fn finish(mut self) -> Checked<Vec<u8>> {
        let memory = self.memory.ok_or("it has no memory: contracts import env.memory")?;
        if !self.has_call || !self.has_deploy {
            return Err("it must export both functions call and deploy".into());
        }
        let helper_type = self.types.len();
        self.types.ty().function([ValType::I32], [ValType::I32]);
        self.types.ty().function([], []);
        self.imports.import("phala", "memory_grow", EntityType::Function(helper_type));
        self.imports.import("phala", "stack_limit", EntityType::Function(helper_type + 1));
        let mut memories = MemorySection::new();
        memories.memory(memory);
        let budget = i64::from(self.limits.stack_units) - FRAME_UNITS as i64; // one uncounted frame may sit on top
        self.globals.global(
            wasm_encoder::GlobalType { val_type: ValType::I32, mutable: true, shared: false },
            &ConstExpr::i32_const(budget as i32),
        );
        self.exports.export("memory", ExportKind::Memory, 0);
        if let Some(start) = self.start {
            self.exports.export("start", ExportKind::Func, start); // the engine calls it, with fuel and memory in place
        }
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        if !self.tables.is_empty() {
            module.section(&self.tables);
        }
        module.section(&memories).section(&self.globals).section(&self.exports);
        if !self.elements.is_empty() {
            module.section(&self.elements);
        }
        module.section(&self.code);
        if !self.data.is_empty() {
            module.section(&self.data);
        }
        Ok(module.finish())
    }
}

/// What compiling an instruction takes, in multiples of 12 us in one huge function (docs/adr/0004-gas-rules.md has the measurements).
fn work(op: &Operator<'_>) -> u64 {
    use Operator::*;
    match op {
        CallIndirect { .. } => 24,
        I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U | I64TruncF32S | I64TruncF32U | I64TruncF64S | I64TruncF64U => 12,
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU => 6,
        Call { .. } | MemoryGrow { .. } | Return | Unreachable => 3,
        I32Load { .. } | I64Load { .. } | F32Load { .. } | F64Load { .. } | I32Load8S { .. } | I32Load8U { .. } | I32Load16S { .. }
        | I32Load16U { .. } | I64Load8S { .. } | I64Load8U { .. } | I64Load16S { .. } | I64Load16U { .. } | I64Load32S { .. }
        | I64Load32U { .. } => 4,
        I32Store { .. } | I64Store { .. } | F32Store { .. } | F64Store { .. } | I32Store8 { .. } | I32Store16 { .. } | I64Store8 { .. }
        | I64Store16 { .. } | I64Store32 { .. } => 2,
        _ => 1,
    }
}

struct Edit {
    at: usize,
    end: usize,
    to: Replacement,
}
enum Replacement {
    Call(u32),
    Leave(u32),
}

fn instruction_at(op: &Operator<'_>, at: usize) -> String {
    let text = format!("{op:?}");
    let name = text.split([' ', '{', '(']).next().unwrap_or_default();
    format!("instruction {name} at offset {at:#x}")
}

fn refused_instruction(error: wasmparser::BinaryReaderError, op: &Operator<'_>, at: usize) -> String {
    format!("{}: {}", instruction_at(op, at), error.message())
}

fn hand_over(bytes: Vec<u8>) -> PhalaWasmBytes {
    let boxed = bytes.into_boxed_slice();
    let len = boxed.len();
    PhalaWasmBytes { data: Box::into_raw(boxed) as *mut u8, len }
}

#[no_mangle]
pub unsafe extern "C" fn phala_wasm_check_and_rewrite(
    wasm: *const u8,
    len: usize,
    floats: bool,
    limits: *const PhalaWasmLimits,
    out: *mut PhalaWasmBytes,
) -> bool {
    let result = Rewriter::new(view(wasm, len), floats, &*limits).run();
    let ok = result.is_ok();
    *out = hand_over(result.unwrap_or_else(String::into_bytes));
    ok
}

/// Of this build's rewriting: another number, other modules.
#[no_mangle]
pub extern "C" fn phala_wasm_number() -> u64 {
    env!("PHALA_WASM_NUMBER").parse().expect("build.rs writes a number")
}

#[no_mangle]
pub unsafe extern "C" fn phala_wasm_free(bytes: PhalaWasmBytes) {
    drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(bytes.data, bytes.len)));
}
