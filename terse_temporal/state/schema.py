"""What a job's state may hold, as its `states=` say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..diagnostics.text import did_you_mean, shorten
from ..errors import StateValueError, UnknownStateKeyError
from ..serialization.codec import Codec, type_name
from ..serialization.value_problems import ValueProblem
from .store import Stored

__all__ = ["LONGEST_KEY", "StateSchema"]

#: Characters of a key. It is part of every write.
LONGEST_KEY = 200


class StateSchema:
    """The keys of a job's state and their types.

    Args:
        job: the job's name, for messages.
        states: a pydantic model, a mapping of key to type, or `None` for any key with any JSON value.
        namespace: where the names in string annotations are looked up: the globals of the job's module.

    Each key is read and written by itself, so a model stands for its fields: their types, constraints and defaults. A
    default is what an unset key reads as, a fresh one each time; a field without one reads `None` when unset, as the
    keys of a mapping do.
    """

    def __init__(self, job: str, states: Any, namespace: Mapping[str, Any] | None = None) -> None:
        self.job = job
        self._states = states
        self._namespace = namespace
        self._codecs: dict[str, Codec] = {}

    def problem(self) -> str | None:
        """Return what is wrong with the declaration, if it can be told already.

        A later class of the module may be missing.
        """
        states = self._states
        if states is None:
            return None
        if _is_model(states):
            return self._problem_of_model(states)
        if not isinstance(states, Mapping):
            return f"states is {states!r}; give a pydantic model, or a mapping of key to type: states={{'count': int}}"
        for key, type_ in states.items():
            if (wrong := _wrong_key(key)) is not None:
                return f"states has {wrong}"
            # pydantic would take both for types: a string for the name of one, None for the type of nothing else.
            if isinstance(type_, str) or type_ is None:
                return f"states has {type_!r} for the key {key!r}; give it a type, such as int or list[str]"
            try:
                self._codec(key)
            except ValueProblem as problem:
                return f"states, key {key!r}: {problem}"
        return None

    def key(self, key: Any, call: str) -> str:
        """Return the key, if the state may have it.

        Args:
            call: what is being done, for the message.

        Raises:
            UnknownStateKeyError: it is not declared, or no text.
        """
        where = f"{call}({key!r}) in the job {self.job!r}"
        if (wrong := _wrong_key(key)) is not None:
            raise UnknownStateKeyError(f"{where}: that is {wrong}")
        if self._states is not None and key not in (known := self._keys()):
            raise UnknownStateKeyError(
                f"{where}: there is no key {key!r} in its states, which are {', '.join(map(repr, known)) or 'none'}"
                f"{did_you_mean(key, known) or '.'} Declare it in create_job(states=…), or correct the name."
            )
        assert isinstance(key, str)
        return key

    def dump(self, key: str, value: Any, call: str) -> Any:
        """Return a value as JSON data, validated, which reads back as the same value.

        Raises:
            StateValueError: it does not fit, is not JSON, or could not be read back.
        """
        try:
            return self._codec(key).record(value).data
        except ValueProblem as problem:
            raise StateValueError(f"{call}({key!r}) in the job {self.job!r}: the value: {problem}") from None

    def load(self, key: str, stored: Stored | None, call: str) -> Any:
        """Return what is stored, as its type; for an unset key a fresh default, else `None`.

        Raises:
            StateValueError: what is stored does not fit any more.
        """
        if stored is None:
            return self._default(key)
        try:
            return self._codec(key).load(stored.value)
        except ValueProblem as problem:
            raise StateValueError(
                f"{call}({key!r}) in the job {self.job!r}: the stored value: {problem}\nIt was written when the key had"
                f" another type, or from outside. Correct it with `terse-temporal state set`, remove it with"
                f" `terse-temporal state rm`, or declare a type that takes both."
            ) from None

    def load_answer(self, key: str, data: Any, call: str) -> Any:
        """Return what a call gave, as the type: `None` is a key that is not set, where the type has no null."""
        try:
            return self.load(key, Stored(data), call)
        except StateValueError:
            if data is None:
                return None
            raise

    def _keys(self) -> list[str]:
        return list(self._states.model_fields if _is_model(self._states) else self._states)

    def _fields(self) -> Mapping[str, FieldInfo]:
        model = self._states
        if not model.__pydantic_complete__:
            model.model_rebuild(force=True, _types_namespace=dict(self._namespace or {}))
        fields: Mapping[str, FieldInfo] = model.model_fields
        return fields

    def _type(self, key: str) -> Any:
        if self._states is None:
            return Any
        if _is_model(self._states):
            field = self._fields()[key]
            # With its constraints, which are in the field and not in the annotation.
            return Annotated[field.annotation, field] if field.metadata or field.discriminator else field.annotation
        return self._states[key]

    def _codec(self, key: str) -> Codec:
        # Without a schema there is one for all keys, and not one for each that anybody makes up.
        name = "" if self._states is None else key
        found = self._codecs.get(name)
        if found is None:
            found = self._codecs[name] = Codec(self._type(key), self._namespace)
        return found

    def _default(self, key: str) -> Any:
        if not _is_model(self._states):
            return None
        field = self._fields()[key]
        return None if field.is_required() else field.get_default(call_default_factory=True, validated_data={})

    def _problem_of_model(self, model: type[BaseModel]) -> str | None:
        name = type_name(model)
        found = model.__pydantic_decorators__
        if used := [
            *found.validators,
            *found.field_validators,
            *found.root_validators,
            *found.model_validators,
        ]:
            return (
                f"states={name} has the validator {used[0]!r}, and keys are read and written one by one, not as a"
                f" {name}. Put the check into the key's type: Annotated[int, AfterValidator(…)]"
            )
        if found.field_serializers or found.model_serializers:
            return (
                f"states={name} has a serializer of its own, and keys are written one by one. Put it into the key's"
                " type: Annotated[…, PlainSerializer(…)]"
            )
        for key, field in model.model_fields.items():
            if field.default_factory_takes_validated_data:
                return (
                    f"states={name}, key {key!r}: its default_factory takes the data of other fields, and keys are read"
                    " one by one. Give it a function without arguments."
                )
        if not model.__pydantic_complete__:
            return None  # it names what the module defines further down
        for key in self._keys():
            if (wrong := _wrong_key(key)) is not None:
                return f"states={name} has {wrong}"
            field = self._fields()[key]
            try:
                self._codec(key)
                if not field.is_required() and field.default_factory is None:
                    self._codec(key).record(field.get_default())
            except ValueProblem as problem:
                return f"states={name}, key {key!r}: its type or default: {problem}"
        return None


def _is_model(states: Any) -> bool:
    return isinstance(states, type) and issubclass(states, BaseModel)


def _wrong_key(key: Any) -> str | None:
    if not isinstance(key, str) or not key:
        return f"the key {key!r}, and a key is a string that is not empty"
    if len(key) > LONGEST_KEY:
        return f"the key {shorten(repr(key), 40)}, of {len(key)} characters, and a key has {LONGEST_KEY} at most"
    try:
        key.encode()
    except UnicodeEncodeError:
        return f"the key {key!r}, which has half of a surrogate pair in it"
    return None
