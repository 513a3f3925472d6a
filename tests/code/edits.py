"""A project that is edited at random, and what it has to answer: computed from the model, and never from the code."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "edited"


@dataclass
class Function:
    """``x * factor + addend + the module's constant + callee(x)``."""

    factor: int
    addend: int
    callee: int | None
    lazy: bool


@dataclass
class Module:
    constant: int
    functions: dict[int, Function] = field(default_factory=dict)


@dataclass
class Model:
    """Functions, and classes, have numbers; each calls, or derives from, one with a smaller number, or none."""

    modules: dict[str, Module] = field(default_factory=dict)
    classes: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)  # base, and bonus if it overrides
    data: int = 0
    comment: int = 0

    def answer(self, x: int) -> int:
        """What ``edited.api.top(x)`` has to give."""
        functions = {
            number: (module, each) for module in self.modules.values() for number, each in module.functions.items()
        }
        known: dict[int | None, int] = {None: 0}
        for number, (module, each) in sorted(functions.items()):
            known[number] = x * each.factor + each.addend + module.constant + known[each.callee]
        values: dict[int | None, int] = {None: x}
        for number, (base, bonus) in sorted(self.classes.items()):
            values[number] = values[base] + (bonus or 0)
        return sum(known.values()) + sum(values.values()) - x + self.data

    def render(self) -> dict[str, str]:
        """Path → text of every file."""
        home = {number: name for name, module in self.modules.items() for number in module.functions}
        files = {f"{PACKAGE}/__init__.py": "from .shapes import *\n", f"{PACKAGE}/data/value.txt": str(self.data)}
        for name, module in self.modules.items():
            files[f"{PACKAGE}/{name}.py"] = self._module(module, home)
        files[f"{PACKAGE}/shapes.py"] = "".join(self._class(number) for number in sorted(self.classes)) or "pass\n"
        calls = [f"{PACKAGE}.{home[number]}.f{number}(x)" for number in home]
        calls += [f"{PACKAGE}.K{number}().value(x)" for number in self.classes]
        imports = "".join(f"import {PACKAGE}.{name}\n" for name in self.modules)
        files[f"{PACKAGE}/api.py"] = (
            f"import importlib.resources\nimport {PACKAGE}\n{imports}# {self.comment}\n"
            f"DATA = importlib.resources.files('{PACKAGE}') / 'data' / 'value.txt'\n"
            "def data():\n    return int(DATA.read_text())\n"
            f"def top(x):\n    return {' + '.join([*calls, 'data()'])}\n"
        )
        return files

    def _module(self, module: Module, home: dict[int, str]) -> str:
        used = {home[each.callee] for each in module.functions.values() if each.callee is not None and not each.lazy}
        lines = [f"import {PACKAGE}.{name}" for name in sorted(used)] + [f"CONSTANT = {module.constant}"]
        for number, each in module.functions.items():
            lines.append(f"def f{number}(x):")
            call = "0"
            if each.callee is not None:
                if each.lazy:
                    lines.append(f"    from {PACKAGE}.{home[each.callee]} import f{each.callee}")
                call = f"f{each.callee}(x)" if each.lazy else f"{PACKAGE}.{home[each.callee]}.f{each.callee}(x)"
            lines.append(f"    return x * {each.factor} + {each.addend} + CONSTANT + {call}")
        return "\n".join(lines) + "\n"

    def _class(self, number: int) -> str:
        base, bonus = self.classes[number]
        lines = [f"class K{number}({'object' if base is None else f'K{base}'}):"]
        before = "x" if base is None else "super().value(x)"
        if base is None or bonus is not None:
            lines.append(f"    def value(self, x): return {before} + {bonus or 0}")
        else:
            lines.append("    pass")
        return "\n".join(lines) + "\n"


class Editor:
    """Makes one edit after another in a folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.model = Model()
        self.numbers = 0
        self.past: list[Model] = []
        self._written: dict[str, str] = {}
        for _ in range(3):
            self._new_module()
        for _ in range(4):
            self._new_function()
            self._new_class()
        self._write()

    def edit(self) -> str:
        """One edit; its name."""
        self.past = [*self.past[-5:], copy.deepcopy(self.model)]
        kinds = [
            self._body, self._body, self._constant, self._new_function, self._delete_function, self._new_module,
            self._rename_module, self._delete_module, self._new_class, self._delete_class, self._derive, self._bonus,
            self._data, self._lazy, self._comment, self._back,
        ]  # fmt: skip
        kind = self.random.choice(kinds)
        kind()
        self._write()
        return kind.__name__.strip("_")

    def _write(self) -> None:
        files = self.model.render()
        for name in self._written.keys() - files.keys():
            (self.folder / name).unlink()
        for name, text in files.items():
            if self._written.get(name) != text:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_text(text)
        self._written = files

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    def _any_module(self) -> Module:
        return self.random.choice(list(self.model.modules.values()))

    def _any_function(self) -> tuple[Module, int]:
        return self.random.choice([(module, n) for module in self.model.modules.values() for n in module.functions])

    def _functions(self) -> list[int]:
        return [number for module in self.model.modules.values() for number in module.functions]

    def _body(self) -> None:
        module, number = self._any_function()
        module.functions[number].addend = self.random.randrange(10)  # of the same size, often
        module.functions[number].factor = self.random.randrange(10)

    def _constant(self) -> None:
        self._any_module().constant = self.random.randrange(1000)

    def _new_function(self) -> None:
        callees = [None, *self._functions()]
        new = Function(1, self.random.randrange(100), self.random.choice(callees), self.random.random() < 0.3)
        self._any_module().functions[self._number()] = new

    def _delete_function(self) -> None:
        if len(self._functions()) > 3:
            module, number = self._any_function()
            del module.functions[number]
            self._forget(number)

    def _forget(self, number: int) -> None:
        for module in self.model.modules.values():
            for each in module.functions.values():
                each.callee = None if each.callee == number else each.callee

    def _new_module(self) -> None:
        module = Module(self.random.randrange(100))
        self.model.modules[f"m{self._number()}"] = module
        module.functions[self._number()] = Function(1, 1, None, False)

    def _rename_module(self) -> None:
        old = self.random.choice(list(self.model.modules))
        self.model.modules[f"m{self._number()}"] = self.model.modules.pop(old)

    def _delete_module(self) -> None:
        if len(self.model.modules) > 2:
            gone = self.model.modules.pop(self.random.choice(list(self.model.modules)))
            for number in gone.functions:
                self._forget(number)
            if not self._functions():
                self._new_function()

    def _new_class(self) -> None:
        base = self.random.choice([None, *self.model.classes])
        self.model.classes[self._number()] = (base, self.random.choice([None, self.random.randrange(100)]))

    def _delete_class(self) -> None:
        leaves = set(self.model.classes) - {base for base, _ in self.model.classes.values()}
        if len(self.model.classes) > 2:
            del self.model.classes[self.random.choice(sorted(leaves))]

    def _derive(self) -> None:
        number = self.random.choice(list(self.model.classes))
        below = [each for each in self.model.classes if each < number]
        self.model.classes[number] = (self.random.choice([None, *below]), self.model.classes[number][1])

    def _bonus(self) -> None:
        number = self.random.choice(list(self.model.classes))
        self.model.classes[number] = (
            self.model.classes[number][0],
            self.random.choice([None, self.random.randrange(100)]),
        )

    def _data(self) -> None:
        self.model.data = self.random.randrange(10)

    def _lazy(self) -> None:
        module, number = self._any_function()
        module.functions[number].lazy ^= True

    def _comment(self) -> None:
        self.model.comment += 1

    def _back(self) -> None:
        self.model = copy.deepcopy(self.random.choice(self.past))
