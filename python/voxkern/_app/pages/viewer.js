// SPDX-License-Identifier: Apache-2.0
// The viewer of a page: planes, volume and surfaces by NiiVue, all of it from the page's own data.
"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get("data").textContent);
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const BACK = [0.04, 0.04, 0.05, 1];
  const INK = [1, 0.78, 0.4, 1]; // letters and scale: no grey of the image
  const CROSSHAIR_MM = 0.7;
  const LOOK = { backColor: BACK, crosshairColor: [1, 0.55, 0.1, 0.9], crosshairWidthUnit: "mm", crosshairWidth: CROSSHAIR_MM,
    fontColor: INK, dragAndDropEnabled: false, logLevel: "error" };
  const OFF = [2, 0, 0]; // a clip plane beyond the volume

  async function loadNiivue() {
    const stream = new Blob([bytesOf(data.niivue)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.type = "module";
    script.textContent = await new Response(stream).text();
    const ready = new Promise((done) => addEventListener("niivue", done, { once: true }));
    document.head.append(script);
    await ready;
    return globalThis.niivue;
  }

  async function imageOf(NVImage, layer) {
    const image = await NVImage.loadFromBase64({ base64: layer.nifti, name: `${layer.role}.nii.gz`,
      colormap: layer.colormap, opacity: layer.opacity, cal_min: layer.window[0], cal_max: layer.window[1],
      colorbarVisible: layer.role === "overlay" });
    if (layer.colours) image.setColormapLabel(layer.colours);
    return image;
  }

  async function start() {
    get("still").hidden = true;
    get("stage").hidden = get("controls").hidden = false;
    const { Niivue, NVImage, NVMesh } = await loadNiivue();
    const layers = (...roles) => data.layers.filter((layer) => roles.includes(layer.role));

    async function planesOn(canvas, ...roles) {
      const planes = new Niivue({ ...LOOK, isRuler: true, rulerWidth: 2, rulerColor: INK,
        isColorbar: layers("overlay").length > 0, multiplanarShowRender: 0, multiplanarLayout: 2, multiplanarPadPixels: 6,
        meshThicknessOn2D: 0.5, showAllOrientationMarkers: true,
        isRadiologicalConvention: data.convention === "radiological" });
      await planes.attachToCanvas(canvas);
      planes.addColormap("diverging", { ...data.diverging, I: [0, 128, 255] });
      for (const layer of layers(...roles)) planes.addVolume(await imageOf(NVImage, layer));
      planes.volumes[0].opacity = 1; // of what lies over others in one picture and alone in another
      planes.updateGLVolume();
      planes.setSliceType(planes.sliceTypeMultiplanar);
      return planes;
    }

    const planes = await planesOn(get("planes"), "volume", "before", "overlay", "labels");
    const roles = layers("volume", "before", "overlay", "labels").map((layer) => layer.role);
    const shown = { planes };
    const scene = new Niivue({ ...LOOK, clipPlaneColor: [0, 0, 0, 0], isOrientCube: true });
    shown.scene = scene;
    await scene.attachToCanvas(get("scene"));
    const [volume] = layers("volume");
    scene.addVolume(await imageOf(NVImage, volume));
    const meshes = [];
    for (const surface of data.surfaces) {
      const colour = new Uint8Array([...surface.colour, 255]);
      const mesh = await NVMesh.readMesh(bytesOf(surface.mz3).buffer, "surface.mz3", scene.gl, 1, colour, true);
      scene.addMesh(mesh);
      meshes.push(mesh);
    }
    scene.setSliceType(scene.sliceTypeRender);
    await scene.setVolumeRenderIllumination(0.6);
    scene.setRenderAzimuthElevation(230, 15);

    const link = () => {
      const all = Object.values(shown);
      for (const one of all) one.broadcastTo(all.filter((other) => other !== one), { "2d": true, "3d": false });
    };
    link();

    // A line thinner than a pixel is not drawn everywhere.
    const thicken = () => {
      for (const one of [shown.planes, shown.other]) {
        const tile = one && one.screenSlices.find((slice) => slice.axCorSag === 0);
        if (tile) one.setCrosshairWidth(Math.max(CROSSHAIR_MM, 1.5 * tile.fovMM[0] / tile.leftTopWidthHeight[2]));
      }
    };
    addEventListener("resize", () => requestAnimationFrame(thicken));

    const setWindow = () => {
      const [low, high] = [get("low").valueAsNumber, get("high").valueAsNumber];
      if (!(low < high)) return;
      const [first, last] = volume.window;
      // The image before may have a window of its own: it is moved as that of the volume is.
      const moved = (value, layer) => layer.window[0]
        + ((value - first) / (last - first)) * (layer.window[1] - layer.window[0]);
      for (const one of Object.values(shown)) {
        one.volumes.forEach((image, k) => {
          const [layer] = layers(one === planes ? roles[k] : one === scene ? "volume" : "before");
          if (!["volume", "before"].includes(layer.role)) return;
          image.cal_min = moved(one === scene ? low + 0.15 * (high - low) : low, layer);
          image.cal_max = moved(high, layer);
        });
        one.updateGLVolume();
      }
    };
    const setMix = async () => {
      const mode = get("compare") ? get("compare").value : "after";
      if (mode === "side by side" && !shown.other) {
        get("other").hidden = false;
        shown.other = await planesOn(get("planes2"), "before");
        link();
        setWindow();
      }
      if (get("other")) get("other").hidden = mode !== "side by side";
      requestAnimationFrame(thicken); // the tiles have other sizes now
      for (const [role, id] of [["overlay", "overlay"], ["labels", "labels"]])
        if (roles.includes(role)) planes.volumes[roles.indexOf(role)].opacity = get(id).valueAsNumber;
      if (roles.includes("before"))
        planes.volumes[roles.indexOf("before")].opacity = mode === "blend" ? 1 - get("mix").valueAsNumber : 0;
      planes.updateGLVolume();
    };
    const setConvention = () => {
      for (const one of Object.values(shown)) one.setRadiologicalConvention(get("radiological").checked);
    };
    const setScene = () => {
      meshes.forEach((mesh, k) => { mesh.visible = get(`surface${k}`).checked; });
      scene.volumes[0].opacity = get("volume").checked ? 1 : 0;
      scene.updateGLVolume();
      const number = (id) => get(id).valueAsNumber;
      scene.setClipPlane(get("clip").checked ? [number("depth"), number("azimuth"), number("elevation")] : OFF);
      scene.drawScene();
    };
    const when = (ids, action) => {
      for (const id of ids) if (get(id)) get(id).addEventListener("input", action);
    };
    when(["low", "high"], setWindow);
    when(["compare", "mix", "overlay", "labels"], setMix);
    when(["radiological"], setConvention);
    when(["volume", "clip", "depth", "azimuth", "elevation", ...meshes.map((_, k) => `surface${k}`)], setScene);
    get("reset").addEventListener("click", () => {
      [get("low").value, get("high").value] = volume.window;
      setWindow();
    });

    // Voxels of the planes: x to the right, y to the front, z upwards.
    const STEPS = { ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowDown: [0, -1, 0], ArrowUp: [0, 1, 0],
      PageDown: [0, 0, -1], PageUp: [0, 0, 1] };
    for (const canvas of [get("planes"), get("scene")])
      canvas.addEventListener("keydown", (event) => {
        const step = STEPS[event.code];
        if (!step) return;
        event.preventDefault();
        event.stopImmediatePropagation(); // NiiVue's own use of arrows: time points
        const far = event.shiftKey ? 10 : 1;
        const turned = get("radiological").checked ? -1 : 1; // to the left on the screen
        planes.moveCrosshairInVox(turned * far * step[0], far * step[1], far * step[2]);
        for (const one of Object.values(shown))
          if (one !== planes) {
            one.scene.crosshairPos = one.mm2frac(planes.frac2mm(planes.scene.crosshairPos));
            one.drawScene();
          }
      }, { capture: true });
    const tell = () => {
      const mm = [...planes.frac2mm(planes.scene.crosshairPos)].slice(0, 3);
      const letter = mm.map((v, k) => `${["LR", "PA", "IS"][k][+(v >= 0)]} ${Math.abs(v).toFixed(1)}`).join(", ");
      const values = planes.volumes.map((image, k) => {
        const at = image.mm2vox([...mm, 1]);
        const value = image.getValue(...at);
        const names = image.colormapLabel ? data.layers.find((l) => l.role === roles[k]).colours.labels : null;
        return `${roles[k]} ${names ? names[value] || "none" : Number(value.toPrecision(4))}`;
      });
      get("place").textContent = `${letter} mm: ${values.join(", ")}`;
    };
    planes.onLocationChange = tell;
    setWindow();
    await setMix();
    setScene();
    tell();
    thicken();
    globalThis.voxkern = { ...shown, get other() { return shown.other; } };
    get("viewer").dataset.state = "ready";
  }

  async function tryStart() {
    get("viewer").dataset.state = "starting";
    try {
      if (!document.createElement("canvas").getContext("webgl2")) throw new Error("this browser has no WebGL 2");
      await start();
    } catch (error) {
      get("stage").hidden = get("controls").hidden = true;
      get("still").hidden = false;
      get("place").textContent = `No viewer here, a still picture instead: ${error.message}.`;
      get("viewer").dataset.state = "still";
    }
  }

  const opener = get("open");
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", () => { opener.hidden = true; tryStart(); });
  } else tryStart();
})();
