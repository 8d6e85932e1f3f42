"""Placing of things along a street: lamps, signs, trees, fences, cars and people."""

from __future__ import annotations

import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.things import Lot, Thing

ALWAYS = 0.0


def place_things(
    rng: np.random.Generator,
    camera: Camera,
    half_road: float,
    pavement: tuple[float, float],
    crossing: tuple[float, float] | None,
    zebra: float | None,
    lots: tuple[Lot, ...],
) -> tuple[tuple[Thing, ...], tuple[tuple[float, float, float], ...]]:
    """All things of a street, and the (x, y, z) of its lamp heads, metres."""
    placer = Placer(rng, camera, half_road, pavement, crossing, zebra)
    placer.greenery(lots)
    placer.posts()
    placer.cars()
    placer.people()
    return tuple(placer.things), tuple(placer.lamps)


class Placer:
    """Gathers things; every draw happens whatever is kept, so that one choice never shifts another."""

    def __init__(
        self,
        rng: np.random.Generator,
        camera: Camera,
        half_road: float,
        pavement: tuple[float, float],
        crossing: tuple[float, float] | None,
        zebra: float | None,
    ) -> None:
        self.rng, self.camera, self.half_road = rng, camera, half_road
        self.pavement, self.crossing, self.zebra = pavement, crossing, zebra
        self.things: list[Thing] = []
        self.lamps: list[tuple[float, float, float]] = []

    def add(
        self,
        kind: str,
        x: float,
        z: float,
        rank: float = ALWAYS,
        heading: float = 0.0,
        side: int = 1,
        size: tuple[float, ...] = (),
    ) -> None:
        self.things.append(
            Thing(
                kind,
                float(x),
                float(z),
                int(self.rng.integers(1 << 30)),
                float(rank),
                float(heading),
                side,
                size,
            )
        )

    def walk(self, side: int) -> float:
        return self.pavement[side > 0]

    def on_crossing(self, z: float, margin: float = 1.0) -> bool:
        return self.crossing is not None and self.crossing[0] - margin < z < self.crossing[1] + margin

    def greenery(self, lots: tuple[Lot, ...]) -> None:
        """Trees and fences of the parks, street trees, and front fences of some houses."""
        rng = self.rng
        for lot in lots:
            if lot.kind == "park":
                self._park(lot)
        for side in (-1, 1):
            planted, z = rng.random() < 0.5, 7 + 7 * rng.random()
            while z < 60:
                if planted and not self.on_crossing(z):
                    self.add(
                        "tree",
                        side * (self.half_road + 0.7),
                        z,
                        rank=0.0,
                        side=side,
                        size=(4.5 + 2.5 * rng.random(), 2.6 + 1.6 * rng.random()),
                    )
                z += 8 + 7 * rng.random()
            railed, start, length = rng.random(3)
            if railed < 0.3:
                z0 = 4 + 9 * start
                z1 = z0 + 5 + 7 * length
                if self.crossing:
                    z1 = min(z1, self.crossing[0] - 0.5)
                if z1 - z0 > 2:
                    self.add(
                        "railing", side * (self.half_road + 0.25), z0, rank=0.15, side=side, size=(z1, 1.15)
                    )

    def _park(self, lot: Lot) -> None:
        rng = self.rng
        for _ in range(int(1.5 + (lot.end_m - lot.start_m) / 4)):
            x = lot.line_m + 1.2 + 7 * rng.random()
            z = lot.start_m + (lot.end_m - lot.start_m) * rng.random()
            size = (4.5 + 4.5 * rng.random(), 3.6 + 2.8 * rng.random())
            if z > 3.5:
                self.add("tree", lot.side * x, z, side=lot.side, size=size)
        for z in np.arange(lot.start_m, lot.end_m, 3.4):
            self.add("bush", lot.side * (lot.line_m + 9), z, side=lot.side, size=(4 + 2 * rng.random(), 6.5))
        fenced, height = rng.random(2)
        if fenced < 0.85:
            self.add(
                "fence",
                lot.side * lot.line_m,
                lot.start_m,
                side=lot.side,
                size=(lot.end_m, 1.3 + 0.9 * height),
            )

    def posts(self) -> None:
        """Lamps, sign posts, traffic lights, billboards and bollards."""
        rng = self.rng
        for side in (-1, 1):
            z, gap = 4.5 + 9 * rng.random(), 13 + 8 * rng.random()
            while z < 60:
                x = side * (self.half_road + 0.4 + 0.3 * rng.random())
                if not self.on_crossing(z, 0.0):
                    if z < 30:
                        self.add("lamp", x, z, side=side)
                    self.lamps.append((x - side * 1.3, 5.2, z))
                z += gap
            z = 6 + 5 * rng.random()
            while z < 22:
                pick, rank, lateral = rng.random(3)
                if not self.on_crossing(z):
                    x = side * (self.half_road + 0.35 + 0.5 * lateral)
                    self.add("sign", x, z, rank=rank - 0.25, side=side, size=(pick,))
                z += 4 + 7 * rng.random()
            board, z_board, rank, bollard, z_first = rng.random(5)
            if board < 0.28:
                self.add(
                    "billboard", side * (self.half_road + self.walk(side) - 0.4), 8 + 9 * z_board, side=side
                )
            if bollard < 0.35:
                for k in range(4):
                    self.add(
                        "bollard",
                        side * (self.half_road + 0.35),
                        4.2 + 4 * z_first + 1.9 * k,
                        rank=0.2 + 0.2 * rank,
                        side=side,
                    )
        self._traffic_lights()

    def _traffic_lights(self) -> None:
        lit, state = self.rng.random(2)
        if self.crossing and lit < 0.75:
            for side in (-1, 1):
                self.add(
                    "lights", side * (self.half_road + 0.45), self.crossing[0] - 0.8, side=side, size=(state,)
                )
        elif self.zebra and lit < 0.8:
            for side in (-1, 1):
                self.add("lights", side * (self.half_road + 0.45), self.zebra - 0.6, side=side, size=(state,))

    def cars(self) -> None:
        """Parked rows, moving cars in both lanes, and cars across a junction."""
        rng = self.rng
        for side in (-1, 1):
            row, z = rng.random() < 0.55, 4.5 + 5 * rng.random()
            while z < 50:
                rank, turn, jitter = rng.random(3)
                near_camera = abs(side * (self.half_road - 1.0) - self.camera.x_m) < 1.7 and z < 9
                if row and not near_camera and not self.on_crossing(z, 3.5) and not self.on_zebra(z, 4):
                    self.add(
                        "car",
                        side * (self.half_road - 1.0),
                        z,
                        rank=0.05 + 0.9 * rank,
                        heading=0.0 if side < 0 or turn < 0.3 else np.pi,
                        side=side,
                    )
                z += 5.6 + 2 * jitter
            lane, z = side * self.half_road * (0.42 if not row else 0.22), 9 + 12 * rng.random()
            while z < 70:
                rank, jitter = rng.random(2)
                if not (abs(lane - self.camera.x_m) < 1.8 and z < 9):
                    self.add(
                        "car", lane, z, rank=0.1 + 0.85 * rank, heading=0.0 if side < 0 else np.pi, side=side
                    )
                z += 11 + 16 * jitter
        if self.crossing:
            middle = (self.crossing[0] + self.crossing[1]) / 2
            for lane in (-1, 1):
                rank, where = rng.random(2)
                self.add("car", (where - 0.5) * 16, middle + 1.7 * lane, rank=rank, heading=lane * np.pi / 2)

    def on_zebra(self, z: float, margin: float) -> bool:
        return self.zebra is not None and abs(z - self.zebra - 1.5) < margin

    def people(self) -> None:
        """Walkers on both pavements, on the zebra, and cyclists."""
        rng = self.rng
        for side in (-1, 1):
            for _ in range(7):
                rank, lateral, near = rng.random(3)
                z = 4.0 + 13 * near**1.3
                x = side * (self.half_road + 0.35 + max(0.2, self.walk(side) - 0.7) * lateral)
                if abs(x - self.camera.x_m) > 0.8 or z > 6:
                    self.add("walker", x, z, rank=0.08 + 0.9 * rank, side=side)
            for _ in range(2):
                rank, near, across = rng.random(3)
                x = side * (self.half_road - 0.55 - 1.6 * (across < 0.2))
                z = 4.8 + 9 * near
                if abs(x - self.camera.x_m) > 1.0 or z > 7:
                    self.add(
                        "rider", x, z, rank=0.1 + 0.85 * rank, heading=0.0 if side < 0 else np.pi, side=side
                    )
        start, rank, kind, where = rng.random(4)
        crossing_at = self.zebra + 1.5 if self.zebra else 7 + 7 * start
        self.add(
            "rider" if kind < 0.55 else "walker",
            (where - 0.5) * 2 * self.half_road,
            crossing_at,
            rank=0.3 + 0.65 * rank,
            heading=np.pi / 2 if where < 0.5 else -np.pi / 2,
        )
        for _ in range(4):
            rank, where = rng.random(2)
            if self.zebra:
                self.add(
                    "walker",
                    (where - 0.5) * 2 * self.half_road,
                    self.zebra + 0.5 + 2 * rng.random(),
                    rank=0.15 + 0.8 * rank,
                    heading=np.pi / 2,
                )
